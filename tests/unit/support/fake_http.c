/* SPDX-License-Identifier: Apache-2.0 */
#include "support/fake_http.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FAKE_REQUEST_BYTES ((size_t)1 << 20)
#define FAKE_LOG_BYTES     ((size_t)8 << 20)

static size_t fake_content_length(const char *head)
{
    const char *at = strcasestr(head, "\r\ncontent-length:");

    return at ? strtoul(at + strlen("\r\ncontent-length:"), NULL, 10) : 0;
}

/* Reads one request. Returns false if the client has closed. */
static bool fake_read_request(int fd, struct buf *request)
{
    char piece[65536];
    size_t want = FAKE_REQUEST_BYTES;

    buf_clear(request);
    while (request->size < want) {
        ssize_t n = recv(fd, piece, sizeof(piece), 0);
        char *end;

        if (n <= 0)
            return false;
        buf_append(request, piece, (size_t)n);
        if (request->data[0] == 0x16) { /* TLS handshake: respond like a server without TLS */
            (void)!send(fd, "HTTP/1.0 400 Bad Request\r\n\r\n", 28, MSG_NOSIGNAL);
            return false;
        }
        end = strstr(request->data, "\r\n\r\n");
        if (end && want == FAKE_REQUEST_BYTES)
            want = (size_t)(end + 4 - request->data) + fake_content_length(request->data);
    }
    return true;
}

static const struct fake_rule *fake_match(struct fake_http *fake, const struct buf *request)
{
    for (size_t i = 0; fake->rules[i].request; i++) {
        const struct fake_rule *rule = &fake->rules[i];

        if (strncmp(request->data, rule->request, strlen(rule->request)) != 0 ||
            (rule->with && !strstr(request->data, rule->with)) ||
            (rule->uses > 0 && fake->used[i] == rule->uses))
            continue;
        fake->used[i]++;
        return rule;
    }
    return NULL;
}

static void fake_append_headers(struct buf *out, const char *headers, const char *host)
{
    for (const char *at = headers; at && *at;) {
        const char *mark = strstr(at, "@HOST@");

        buf_append(out, at, mark ? (size_t)(mark - at) : strlen(at));
        if (mark)
            buf_append_str(out, host);
        at = mark ? mark + strlen("@HOST@") : NULL;
    }
}

static void fake_send(int fd, const struct buf *bytes)
{
    size_t sent = 0;

    while (sent < bytes->size) {
        ssize_t n = send(fd, bytes->data + sent, bytes->size - sent, MSG_NOSIGNAL);

        if (n <= 0)
            return;
        sent += (size_t)n;
    }
}

static void fake_send_answer(struct fake_http *fake, int fd, const struct fake_rule *rule,
                             bool head_only)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(FAKE_LOG_BYTES);
    const char *body = rule->body ? rule->body : "";
    size_t size = rule->body_bytes > 0 ? rule->body_bytes : strlen(body);

    buf_printf(&out, "HTTP/1.1 %s\r\n", rule->status);
    fake_append_headers(&out, rule->headers, fake->host);
    if (strncmp(rule->status, "204", 3) != 0)
        buf_printf(&out, "Content-Length: %ld\r\n", (long)size + rule->length_off);
    buf_append_str(&out, "\r\n");
    if (!head_only)
        buf_append(&out, body, size);
    fake_send(fd, &out);
}

static void fake_end(int fd, enum fake_end end)
{
    const struct linger reset = {.l_onoff = 1};
    char rest[4096];

    if (end == FAKE_HANG)
        while (recv(fd, rest, sizeof(rest), 0) > 0)
            continue;
    if (end == FAKE_RESET)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

static void fake_note(struct fake_http *fake, const struct buf *request)
{
    LOCK_SCOPE(&fake->lock);

    fake->n_requests++;
    buf_append(&fake->log, request->data, request->size);
    buf_append_str(&fake->log, "\n--\n");
}

static void fake_serve(struct fake_http *fake, int fd)
{
    static const struct fake_rule nothing = {.status = "404 Not Found"};
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(FAKE_LOG_BYTES);

    while (fake_read_request(fd, &request)) {
        const struct fake_rule *rule = fake_match(fake, &request);

        fake_note(fake, &request);
        if (!rule)
            rule = &nothing;
        if (rule->status)
            fake_send_answer(fake, fd, rule, strncmp(request.data, "HEAD ", 5) == 0);
        if (rule->end != FAKE_KEEP) {
            fake_end(fd, rule->end);
            return;
        }
    }
}

static bool fake_enter(struct fake_http *fake, int fd)
{
    LOCK_SCOPE(&fake->lock);

    fake->connection = fd;
    fake->n_connections++;
    return !fake->stopping;
}

static void fake_leave(struct fake_http *fake)
{
    LOCK_SCOPE(&fake->lock);

    close(fake->connection);
    fake->connection = -1;
}

static void *fake_run(void *arg)
{
    struct fake_http *fake = arg;
    int fd;

    while ((fd = accept(fake->listener, NULL, NULL)) >= 0) {
        if (fake_enter(fake, fd))
            fake_serve(fake, fd);
        fake_leave(fake);
    }
    return NULL;
}

static void start(struct fake_http *fake, const struct fake_rule *rules, struct sockaddr *address,
                  socklen_t size)
{
    int ok;

    *fake = (struct fake_http){.rules = rules, .connection = -1, .log = BUF_INIT(FAKE_LOG_BYTES)};
    pthread_mutex_init(&fake->lock, NULL);
    fake->listener = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ok = bind(fake->listener, address, size) == 0 && listen(fake->listener, 8) == 0 &&
         getsockname(fake->listener, address, &size) == 0 &&
         pthread_create(&fake->thread, NULL, fake_run, fake) == 0;
    assert(ok);
    (void)ok;
}

void fake_start(struct fake_http *fake, const struct fake_rule *rules)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    start(fake, rules, (struct sockaddr *)&address, sizeof(address));
    snprintf(fake->host, sizeof(fake->host), "127.0.0.1:%u", ntohs(address.sin_port));
}

void fake_start_unix(struct fake_http *fake, const struct fake_rule *rules, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    start(fake, rules, (struct sockaddr *)&address, sizeof(address));
}

static void fake_interrupt(struct fake_http *fake)
{
    LOCK_SCOPE(&fake->lock);

    fake->stopping = true;
    shutdown(fake->listener, SHUT_RDWR);
    if (fake->connection >= 0)
        shutdown(fake->connection, SHUT_RDWR);
}

unsigned fake_requests(struct fake_http *fake)
{
    LOCK_SCOPE(&fake->lock);

    return fake->n_requests;
}

unsigned fake_connections(struct fake_http *fake)
{
    LOCK_SCOPE(&fake->lock);

    return fake->n_connections;
}

/* Ends a kept connection, so that another client is served. */
void fake_hang_up(struct fake_http *fake)
{
    LOCK_SCOPE(&fake->lock);

    if (fake->connection >= 0)
        shutdown(fake->connection, SHUT_RDWR);
}

void fake_stop(struct fake_http *fake)
{
    fake_interrupt(fake);
    pthread_join(fake->thread, NULL);
    close(fake->listener);
    buf_deinit(&fake->log);
    pthread_mutex_destroy(&fake->lock);
}

bool fake_saw(struct fake_http *fake, const char *text)
{
    LOCK_SCOPE(&fake->lock);

    return fake->log.size > 0 && strstr(fake->log.data, text);
}
