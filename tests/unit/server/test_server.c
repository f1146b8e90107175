/* SPDX-License-Identifier: Apache-2.0 */
/* The server with clients that send valid and invalid requests. */
#include "server/server.h"

#include "base/clock.h"
#include "base/log.h"

#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 20000 /* far longer than any step takes */
#define PARTS       700

static char socket_path[80], socket_address[96];
static struct server *server;

/* What the handler has seen, and the request that waits for a reply. */
static struct {
    atomic_int calls, released, gone;
    _Atomic(struct exchange *) waiting;
    char seen[512];
} handler;

static void release(void *arg)
{
    assert_ptr_equal(arg, &handler);
    handler.released++;
}

static void gone(void *arg)
{
    assert_ptr_equal(arg, &handler);
    handler.gone++;
}

static void reply_parts(struct exchange *exchange, size_t n)
{
    static struct iovec parts[PARTS];

    for (size_t i = 0; i < n; i++)
        parts[i] = (struct iovec){(void *)"0123456789", 10};
    exchange_reply(exchange, &(struct reply){.status = 200,
                                             .content_type = "text/plain",
                                             .parts = parts,
                                             .n_parts = n,
                                             .release = release,
                                             .release_arg = &handler});
}

static void *reply_soon(void *arg)
{
    exchange_reply_text(arg, 200, "soon");
    return NULL;
}

static void defer_and_reply_at_once(struct exchange *exchange)
{
    pthread_t thread;

    exchange_defer(exchange, gone, &handler);
    assert_int_equal(pthread_create(&thread, NULL, reply_soon, exchange), 0);
    pthread_join(thread, NULL);
}

static void describe(struct exchange *exchange)
{
    const char *values[2] = {"-", "-"}, *header = exchange_header(exchange, "x-list");
    size_t n = exchange_query(exchange, "a", values, 2);

    snprintf(handler.seen, sizeof(handler.seen), "%s %s a=%zu,%s,%s list=%s local=%d",
             exchange_method(exchange), exchange_path(exchange), n, values[0], values[1],
             header ? header : "-", exchange_is_local(exchange));
    exchange_reply_text(exchange, 200, handler.seen);
}

static void handle(void *arg, struct exchange *exchange)
{
    const char *path = exchange_path(exchange);

    assert_ptr_equal(arg, &handler);
    handler.calls++;
    if (strcmp(path, "/few") == 0) {
        reply_parts(exchange, 3);
    } else if (strcmp(path, "/many") == 0) {
        reply_parts(exchange, PARTS);
    } else if (strcmp(path, "/none") == 0) {
        reply_parts(exchange, 0);
    } else if (strcmp(path, "/soon") == 0) {
        defer_and_reply_at_once(exchange);
    } else if (strcmp(path, "/later") == 0) {
        exchange_defer(exchange, gone, &handler);
        handler.waiting = exchange;
    } else {
        describe(exchange);
    }
}

/* ---- Clients ---------------------------------------------------------------------------- */

static int dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads until `until` (NULL: the end of the connection). Returns false if the server closed first.
 */
static bool read_until(int fd, struct buf *out, const char *until)
{
    char bytes[4096];
    ssize_t n;

    while (!until || !out->data || !strstr(out->data, until)) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};

        assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
        n = read(fd, bytes, sizeof(bytes));
        if (n <= 0)
            return !until;
        buf_append(out, bytes, (size_t)n);
    }
    return true;
}

/* The whole reply to one request with "Connection: close". */
static char *ask(const char *request)
{
    struct buf answer = BUF_INIT((size_t)1 << 20);
    int fd = dial();

    send_text(fd, request);
    read_until(fd, &answer, NULL);
    close(fd);
    buf_append_str(&answer, "");
    return answer.data ? buf_take(&answer) : strdup("");
}

#define CLOSE "Host: x\r\nConnection: close\r\n\r\n"

static void expect(const char *request, const char *status, const char *words)
{
    CLEANUP(freep) char *answer = ask(request);

    if (strncmp(answer, status, strlen(status)) != 0 || (words && !strstr(answer, words)))
        fail_msg("%s\n--- expected: %s, %s\n%s", request, status, words, answer);
}

#define wait_for(condition)                                                     \
    do {                                                                        \
        for (int waited_ = 0; !(condition) && waited_ < PATIENCE_MS; waited_++) \
            usleep(1000);                                                       \
        assert_true(condition);                                                 \
    } while (0)

static int start_with(struct web_config *config)
{
    const char *addresses[] = {socket_address};
    static const char *const open_paths[] = {"/-/healthy", NULL};
    struct listeners listeners;
    struct error err;

    memset(&handler, 0, sizeof(handler));
    server = listeners_open(&listeners, addresses, 1, false, &err)
                 ? server_start(&(struct server_options){.listeners = &listeners,
                                                         .config = config,
                                                         .open_paths = open_paths,
                                                         .handle = handle,
                                                         .arg = &handler},
                                &err)
                 : NULL;
    if (!server)
        print_error("%s\n", err.message);
    return server ? 0 : -1;
}

static int start(void **state)
{
    (void)state;
    return start_with(NULL);
}

static int stop(void **state)
{
    (void)state;
    if (server)
        server_stop(server);
    server = NULL;
    return access(socket_path, F_OK) == 0 ? -1 : 0;
}

/* ---- Tests ------------------------------------------------------------------------------ */

static void parses_requests(void **state)
{
    (void)state;
    expect("GET / HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200 ", "GET / a=0,-,- list=- local=1");
    expect("GET /x%20y?a=1&b=2&a=%2B+c&&=&d HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200 ",
           "GET /x y a=2,1,+ c list=-");
    expect("GET /?a HTTP/1.1\r\nX-List: p\r\nx-list: q\r\n" CLOSE, "HTTP/1.1 200 ",
           "a=1,,- list=p, q");
    expect("GET /?a=1&a=2&a=3 HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200 ", "a=3,1,2");
    expect("GET http://there:80/metrics?a=b HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200 ",
           "GET /metrics a=1,b,-");
    expect("GET http://there HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200 ", "GET / a=0");
    expect("GET / HTTP/1.1\r\nX-Forwarded-For: 10.0.0.1\r\n" CLOSE, "HTTP/1.1 200 ", "local=0");
    expect("GET / HTTP/1.1\r\nVia: 1.1 proxy\r\n" CLOSE, "HTTP/1.1 200 ", "local=0");
    expect("GET //metrics HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200 ", "GET //metrics ");
    expect("GET /%2Fmetrics HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200 ", "GET //metrics ");
    expect("OPTIONS * HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200 ", "OPTIONS * ");
    expect("CONNECT there:80 HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200 ", "CONNECT there:80 ");
    expect("get / HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200 ", "get / ");
}

static void rejects_invalid_requests(void **state)
{
    static const struct {
        const char *request, *status;
    } rows[] = {
        {"GET /%zz HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400 "},
        {"GET /% HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400 "},
        {"GET /%0 HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400 "},
        {"GET /-/healthy%00 HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400 "},
        {"GET /?a=%00 HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400 "},
        {"GET /?%=1 HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400 "},
        {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "HTTP/1.1 400 "}, /* no Host */
        {"GET / HTTP/9.9\r\n" CLOSE, "HTTP/1.1 505 "},
        {"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n" CLOSE, "HTTP/1.1 413 "},
        {"POST / HTTP/1.1\r\nContent-Length: -1\r\n" CLOSE, "HTTP/1.1 400 "},
        {"POST / HTTP/1.1\r\nContent-Length: 3, 4\r\n" CLOSE, "HTTP/1.1 400 "},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n" CLOSE, "HTTP/1.1 400 "},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n" CLOSE,
         "HTTP/1.1 400 "},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" CLOSE "zz\r\n", "HTTP/1.1 400 "},
        {"GET / HTTP/1.1\r\nno colon here\r\n" CLOSE, "HTTP/1.1 400 "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(rows[i].request, rows[i].status, NULL);
    assert_int_equal(handler.calls, 0);
    expect("GET / HTTP/1.0\r\n\r\n", "HTTP/1.", "local=1");
    expect("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" CLOSE "3\r\nabc\r\n0\r\n\r\n",
           "HTTP/1.1 200 ", "POST /");
    expect("POST / HTTP/1.1\r\nContent-Length: 3\r\n" CLOSE "abc", "HTTP/1.1 200 ", "POST /");
    expect("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 0\r\n" CLOSE, "HTTP/1.1 ",
           "POST /");
}

static void limits_the_size_of_headers(void **state)
{
    static char request[40000];
    static const size_t sizes[] = {8000, 17000, 39000};
    static const char *const statuses[] = {"HTTP/1.1 200 ", "HTTP/1.1 431 ", "HTTP/1.1 431 "};
    int n;

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        n = snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nX: ");
        memset(request + n, 'x', sizes[i] - (size_t)n);
        strcpy(request + sizes[i], "\r\n" CLOSE);
        expect(request, statuses[i], NULL);
        n = snprintf(request, sizeof(request), "GET /?a=");
        memset(request + n, 'x', sizes[i] - (size_t)n);
        strcpy(request + sizes[i], " HTTP/1.1\r\n" CLOSE);
        expect(request, i == 2 ? "HTTP/1.1 414 " : statuses[i], NULL);
    }
}

static void sends_parts_and_releases_them_once(void **state)
{
    CLEANUP(freep) char *few = NULL, *many = NULL, *none = NULL, *head = NULL;

    (void)state;
    few = ask("GET /few HTTP/1.1\r\n" CLOSE);
    assert_non_null(strstr(few, "Content-Length: 30\r\n"));
    assert_non_null(strstr(few, "\r\n\r\n012345678901234567890123456789"));
    many = ask("GET /many HTTP/1.1\r\n" CLOSE);
    assert_non_null(strstr(many, "Content-Length: 7000\r\n"));
    assert_int_equal(strlen(strstr(many, "\r\n\r\n") + 4), 7000);
    none = ask("GET /none HTTP/1.1\r\n" CLOSE);
    assert_non_null(strstr(none, "Content-Length: 0\r\n"));
    head = ask("HEAD /many HTTP/1.1\r\n" CLOSE);
    assert_non_null(strstr(head, "Content-Length: 7000\r\n"));
    assert_string_equal(strstr(head, "\r\n\r\n"), "\r\n\r\n");
    wait_for(handler.released == 4);
}

static void sends_common_headers(void **state)
{
    (void)state;
    expect("GET /few HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200 ", "X-Content-Type-Options: nosniff\r\n");
    expect("GET /few HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200 ", "\r\nConnection: close\r\n");
    expect("GET /few HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200 ", "Date: ");
}

static void keeps_connections_and_accepts_pipelining(void **state)
{
    CLEANUP(buf_deinit) struct buf answer = BUF_INIT(65536);
    int fd = dial();

    (void)state;
    send_text(fd, "GET /one HTTP/1.1\r\nHost: x\r\n\r\nGET /soon HTTP/1.1\r\nHost: x\r\n\r\n"
                  "GET /three HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(read_until(fd, &answer, "GET /three a"));
    assert_non_null(strstr(answer.data, "GET /one a"));
    assert_true(strstr(answer.data, "soon") > strstr(answer.data, "GET /one a"));
    assert_int_equal(handler.calls, 3);
    close(fd);
}

static void sends_deferred_replies(void **state)
{
    CLEANUP(buf_deinit) struct buf answer = BUF_INIT(65536);
    int fd;

    (void)state;
    for (int i = 0; i < 50; i++)
        expect("GET /soon HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200 ", "soon");
    fd = dial();
    send_text(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(handler.waiting);
    expect("GET / HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200 ", NULL); /* other requests do not wait */
    exchange_reply_text(handler.waiting, 200, "late");
    assert_true(read_until(fd, &answer, "late"));
    close(fd);
    assert_int_equal(handler.gone, 0);
}

static void reports_clients_that_disconnect(void **state)
{
    int fd = dial();

    (void)state;
    send_text(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(handler.waiting);
    assert_int_equal(handler.gone, 0);
    close(fd);
    wait_for(handler.gone == 1);
    reply_parts(handler.waiting, 3);
    wait_for(handler.released == 1);
    assert_int_equal(handler.gone, 1);
}

static void drains_pending_replies(void **state)
{
    CLEANUP(buf_deinit) struct buf answer = BUF_INIT(65536), idle = BUF_INIT(65536);
    int waiting = dial(), resting = dial();
    pthread_t thread;

    (void)state;
    send_text(resting, "GET /one HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(read_until(resting, &idle, "GET /one"));
    send_text(waiting, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(handler.waiting);
    server_drain(server, 0);
    assert_int_not_equal(access(socket_path, F_OK), 0);
    assert_true(read_until(resting, &idle, NULL));
    assert_int_equal(pthread_create(&thread, NULL, reply_soon, handler.waiting), 0);
    server_drain(server, (int64_t)PATIENCE_MS * NS_PER_MS);
    assert_true(read_until(waiting, &answer, NULL));
    assert_non_null(strstr(answer.data, "\r\nConnection: close\r\n"));
    assert_non_null(strstr(answer.data, "soon"));
    pthread_join(thread, NULL);
    close(waiting);
    close(resting);
}

static void *reply_when_gone(void *arg)
{
    (void)arg;
    wait_for(handler.gone == 1);
    exchange_reply_text(handler.waiting, 200, "nobody reads this");
    return NULL;
}

static void stops_with_pending_replies(void **state)
{
    CLEANUP(buf_deinit) struct buf nothing = BUF_INIT(65536);
    int silent = dial(), waiting = dial();
    pthread_t thread;

    (void)state;
    send_text(waiting, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(handler.waiting);
    assert_int_equal(pthread_create(&thread, NULL, reply_when_gone, NULL), 0);
    server_stop(server);
    server = NULL;
    pthread_join(thread, NULL);
    assert_true(read_until(silent, &nothing, NULL));
    assert_int_equal(nothing.size, 0);
    close(silent);
    close(waiting);
}

static struct web_config *config_of(const char *text)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(65536);
    struct error err;
    struct web_config *config = web_config_parse("web.yml", text, strlen(text), &problems, &err);

    if (!config)
        fail_msg("%s%s", problems.data ? problems.data : "", err.message);
    return config;
}

/* The password is "secret", and OnpzZWNyZXQ= is ":secret", dTpzZWNyZXQ= "u:secret". */
#define USERS \
    "basic_auth_users:\n  u: $2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n"
#define OPEN_HEALTH "health_without_auth: true\n"
#define RIGHT       "Authorization: Basic dTpzZWNyZXQ=\r\n"
#define WRONG       "Authorization: Basic dTp3cm9uZw==\r\n"

static void requires_authentication(void **state)
{
    struct web_config *config = config_of(USERS);

    (void)state;
    assert_int_equal(start_with(config), 0);
    web_config_unref(config);
    expect("GET / HTTP/1.1\r\n" CLOSE, "HTTP/1.1 401 ", "Unauthorized");
    expect("GET / HTTP/1.1\r\n" CLOSE, "HTTP/1.1 401 ", "\r\nWWW-Authenticate: Basic\r\n");
    expect("GET / HTTP/1.1\r\n" WRONG CLOSE, "HTTP/1.1 401 ", NULL);
    expect("GET /-/healthy HTTP/1.1\r\n" CLOSE, "HTTP/1.1 401 ", NULL);
    assert_int_equal(handler.calls, 0);
    for (int i = 0; i < 3; i++) {
        expect("GET / HTTP/1.1\r\n" RIGHT CLOSE, "HTTP/1.1 200 ", NULL);
        expect("GET /soon HTTP/1.1\r\n" RIGHT CLOSE, "HTTP/1.1 200 ", "soon");
    }
    assert_int_equal(handler.calls, 6);
}

static void opens_health_paths_on_request(void **state)
{
    struct web_config *config =
        config_of("http_server_config: {headers: {X-Frame-Options: deny}}\n" OPEN_HEALTH USERS);

    (void)state;
    assert_int_equal(start_with(config), 0);
    web_config_unref(config);
    expect("GET / HTTP/1.1\r\n" CLOSE, "HTTP/1.1 401 ", "\r\nX-Frame-Options: deny\r\n");
    expect("GET /-/healthy HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200 ", "\r\nX-Frame-Options: deny\r\n");
    expect("GET /-/healthy/x HTTP/1.1\r\n" CLOSE, "HTTP/1.1 401 ", NULL);
    expect("GET /x/../-/healthy HTTP/1.1\r\n" CLOSE, "HTTP/1.1 401 ", NULL);
}

static void limits_the_request_rate(void **state)
{
    struct web_config *config = config_of("rate_limit: {interval: 1h, burst: 2}\n");

    (void)state;
    assert_int_equal(start_with(config), 0);
    web_config_unref(config);
    expect("GET / HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200 ", NULL);
    expect("GET / HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200 ", NULL);
    expect("GET / HTTP/1.1\r\n" CLOSE, "HTTP/1.1 429 ", "Too Many Requests");
    assert_int_equal(handler.calls, 2);
}

static void applies_a_new_configuration_to_old_connections(void **state)
{
    CLEANUP(buf_deinit) struct buf answer = BUF_INIT(65536), denied = BUF_INIT(65536);
    struct web_config *config = config_of(USERS);
    struct error err;
    int fd = dial();

    (void)state;
    send_text(fd, "GET /one HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(read_until(fd, &answer, "GET /one"));
    assert_true(server_apply(server, config, &err));
    web_config_unref(config);
    send_text(fd, "GET /two HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(read_until(fd, &denied, "Unauthorized"));
    assert_null(strstr(denied.data, "Connection: close"));
    assert_true(server_apply(server, NULL, &err));
    buf_clear(&answer);
    send_text(fd, "GET /three HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(read_until(fd, &answer, "GET /three"));
    close(fd);
}

static void reports_an_address_in_use(void **state)
{
    const char *addresses[] = {socket_address};
    struct listeners listeners;
    struct error err;

    (void)state;
    assert_false(listeners_open(&listeners, addresses, 1, false, &err));
    assert_non_null(strstr(err.message, "in use"));
    expect("GET / HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200 ", NULL);
}

static void removes_the_socket_after_a_failed_start(void **state)
{
    const char *addresses[] = {socket_address, "no address"};
    struct listeners listeners;
    struct error err;

    (void)state;
    assert_false(listeners_open(&listeners, addresses, 2, false, &err));
    assert_int_equal(access(socket_path, F_OK), -1);
}

#define served(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        served(parses_requests),
        served(rejects_invalid_requests),
        served(limits_the_size_of_headers),
        served(sends_parts_and_releases_them_once),
        served(sends_common_headers),
        served(keeps_connections_and_accepts_pipelining),
        served(sends_deferred_replies),
        served(reports_clients_that_disconnect),
        served(drains_pending_replies),
        served(stops_with_pending_replies),
        cmocka_unit_test(removes_the_socket_after_a_failed_start),
        cmocka_unit_test_teardown(requires_authentication, stop),
        cmocka_unit_test_teardown(opens_health_paths_on_request, stop),
        cmocka_unit_test_teardown(limits_the_request_rate, stop),
        served(applies_a_new_configuration_to_old_connections),
        served(reports_an_address_in_use),
    };

    log_set_level(LOG_ERROR);
    snprintf(socket_path, sizeof(socket_path), "/tmp/test_server.%d.sock", (int)getpid());
    snprintf(socket_address, sizeof(socket_address), "unix://%s", socket_path);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
