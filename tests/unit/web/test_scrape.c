/* SPDX-License-Identifier: Apache-2.0 */
/* /metrics over a socket, through the real server. */
#include "web/scrape.h"

#include <arpa/inet.h>
#include <libdeflate.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LIMIT_BYTES  ((size_t)32 << 20)
#define LARGE        40000 /* samples: more bytes than socket buffers hold */
#define WAIT_SECONDS 10

static const struct metric_family families[] = {
    {METRIC_GAUGE, "things", "Things.", {"number"}},
    {METRIC_COUNTER, "canary_runs_total", "Runs."},
    {0},
};

struct site {
    struct board *board;
    struct exposition *exposition;
    struct scrape *scrape;
    struct server *server;
    int port;
};

static void handle(void *arg, struct exchange *exchange)
{
    scrape_answer(((struct site *)arg)->scrape, exchange);
}

/* A port that was free a moment ago. */
static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void post(struct site *site, size_t n)
{
    CLEANUP(snapshot_unrefp) struct snapshot *snapshot = snapshot_new(families, LIMIT_BYTES);
    char number[32];

    for (size_t i = 0; i < n; i++) {
        snprintf(number, sizeof(number), "%zu", i);
        snapshot_add(snapshot, 0, (double)i, number);
    }
    snapshot_add(snapshot, 1, 3);
    board_post(board_add(site->board, "pull"), snapshot);
}

static int set_up(void **state)
{
    struct site *site = calloc(1, sizeof(*site));
    char text[32];
    const char *address = text;
    struct listeners listeners;
    struct error err;

    site->board = board_new();
    site->exposition = exposition_new(
        &(struct exposition_options){.board = site->board, .exporter_metrics = true}, &err);
    site->scrape = scrape_new(&(struct scrape_options){.board = site->board,
                                                       .exposition = site->exposition,
                                                       .max_requests = 1},
                              &err);
    site->port = free_port();
    snprintf(text, sizeof(text), "127.0.0.1:%d", site->port);
    assert_true(listeners_open(&listeners, &address, 1, false, &err));
    site->server = server_start(
        &(struct server_options){.listeners = &listeners, .handle = handle, .arg = site}, &err);
    assert_non_null(site->server);
    *state = site;
    return 0;
}

static int tear_down(void **state)
{
    struct site *site = *state;

    server_stop(site->server);
    scrape_free(site->scrape);
    exposition_free(site->exposition);
    board_free(site->board);
    free(site);
    return 0;
}

static int ask(struct site *site, const char *method, const char *target, const char *headers)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)site->port)};
    struct timeval limit = {.tv_sec = WAIT_SECONDS};
    char request[1024];
    int fd = socket(AF_INET, SOCK_STREAM, 0), small = 4096;
    int size = snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n", method,
                        target, headers);

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(write(fd, request, (size_t)size), size);
    return fd;
}

/* Reads until the server closes, then closes. */
static struct buf answer(int fd)
{
    struct buf out = BUF_INIT(LIMIT_BYTES);
    char piece[65536];
    ssize_t n;

    while ((n = read(fd, piece, sizeof(piece))) > 0)
        buf_append(&out, piece, (size_t)n);
    close(fd);
    buf_append_str(&out, "");
    return out;
}

static struct buf get(struct site *site, const char *target, const char *headers)
{
    char all[512];

    snprintf(all, sizeof(all), "%sConnection: close\r\n", headers);
    return answer(ask(site, "GET", target, all));
}

static const char *body_of(const struct buf *reply)
{
    const char *end = strstr(reply->data, "\r\n\r\n");

    assert_non_null(end);
    return end + 4;
}

#define assert_has(reply, text)                              \
    do {                                                     \
        if (!strstr((reply).data, (text)))                   \
            fail_msg("no %s in:\n%s", (text), (reply).data); \
    } while (0)
#define assert_has_not(reply, text) assert_null(strstr((reply).data, (text)))

static void replies_with_the_page(void **state)
{
    struct site *site = *state;
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(0);
    char length[64];

    post(site, 2);
    reply = get(site, "/metrics", "");
    assert_has(reply, "HTTP/1.1 200 OK\r\n");
    assert_has(reply, "Content-Type: text/plain; version=0.0.4; charset=utf-8; escaping=");
    assert_has(reply, "Vary: Accept, Accept-Encoding\r\n");
    assert_has(reply, "Process-Start-Time-Unix: 1");
    snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(body_of(&reply)));
    assert_has(reply, length);
    assert_has(reply, "\nthings{number=\"1\"} 1\n");
    assert_has(reply, "\npromhttp_metric_handler_requests_total{code=\"200\"} 0\n");
    assert_has(reply, "\npromhttp_metric_handler_requests_total{code=\"500\"} 0\n");
    assert_has(reply, "\npromhttp_metric_handler_requests_total{code=\"503\"} 0\n");
    assert_has(reply, "\npromhttp_metric_handler_requests_in_flight 1\n");
    assert_has(reply, "\npromhttp_metric_handler_errors_total{cause=\"encoding\"} 0\n");
    assert_has(reply, "\npromhttp_metric_handler_errors_total{cause=\"gathering\"} 0\n");
}

static void replies_in_openmetrics(void **state)
{
    struct site *site = *state;
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(0);

    post(site, 2);
    reply = get(site, "/metrics", "Accept: application/openmetrics-text;version=1.0.0\r\n");
    assert_has(reply, "Content-Type: application/openmetrics-text; version=1.0.0;");
    assert_has(reply, "\n# TYPE canary_runs counter\n");
    assert_string_equal(reply.data + reply.size - strlen("# EOF\n"), "# EOF\n");
}

static void head_renders_nothing(void **state)
{
    struct site *site = *state;
    CLEANUP(buf_deinit)
    struct buf head = answer(ask(site, "HEAD", "/metrics", "Connection: close\r\n"));
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(0);

    assert_has(head, "HTTP/1.1 200 OK\r\n");
    assert_has(head, "Content-Type: text/plain; version=0.0.4");
    assert_string_equal(body_of(&head), "");
    reply = get(site, "/metrics", "");
    assert_has(reply, "\npromhttp_metric_handler_requests_total{code=\"200\"} 0\n");
}

static void compresses_for_remote_clients(void **state)
{
    struct site *site = *state;
    struct libdeflate_decompressor *reader = libdeflate_alloc_decompressor();
    char *back = malloc(LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(0);
    size_t size, head;

    post(site, 1000);
    reply = get(site, "/metrics", "Accept-Encoding: gzip\r\n");
    assert_has_not(reply, "Content-Encoding"); /* a local client */
    buf_deinit(&reply);
    reply = get(site, "/metrics", "X-Forwarded-For: 192.0.2.1\r\n");
    assert_has_not(reply, "Content-Encoding");
    buf_deinit(&reply);
    reply = get(site, "/metrics", "X-Forwarded-For: 192.0.2.1\r\nAccept-Encoding: gzip\r\n");
    assert_has(reply, "Content-Encoding: gzip\r\n");
    head = (size_t)(body_of(&reply) - reply.data);
    assert_int_equal(libdeflate_gzip_decompress(reader, reply.data + head, reply.size - head, back,
                                                LIMIT_BYTES - 1, &size),
                     LIBDEFLATE_SUCCESS);
    back[size] = '\0';
    assert_non_null(strstr(back, "\nthings{number=\"999\"} 999\n"));
    free(back);
    libdeflate_free_decompressor(reader);
}

static void does_not_compress_small_pages(void **state)
{
    struct site *site = *state;
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(0);

    post(site, 1);
    reply = get(site, "/metrics?name[]=things",
                "X-Forwarded-For: 192.0.2.1\r\nAccept-Encoding: gzip\r\n");
    assert_has_not(reply, "Content-Encoding");
    assert_string_equal(body_of(&reply), "# HELP things Things.\n# TYPE things gauge\n"
                                         "things{number=\"0\"} 0\n");
}

static void filters_by_the_query(void **state)
{
    struct site *site = *state;
    CLEANUP(buf_deinit) struct buf some = BUF_INIT(0), none = BUF_INIT(0), rest = BUF_INIT(0);

    post(site, 1);
    some = get(site, "/metrics?collect[]=pull&name%5B%5D=canary_runs_total", "");
    assert_string_equal(body_of(&some), "# HELP canary_runs_total Runs.\n"
                                        "# TYPE canary_runs_total counter\ncanary_runs_total 3\n");
    none = get(site, "/metrics?name[]=nothing", "");
    assert_has(none, "200 OK");
    assert_string_equal(body_of(&none), "");
    rest = get(site, "/metrics?exclude[]=pull", "");
    assert_has_not(rest, "canary_runs_total");
    assert_has(rest, "promhttp_metric_handler_requests_total");
}

static void rejects_invalid_queries(void **state)
{
    struct site *site = *state;
    CLEANUP(buf_deinit)
    struct buf both = get(site, "/metrics?collect[]=pull&exclude[]=push", "");
    CLEANUP(buf_deinit) struct buf unknown = get(site, "/metrics?collect[]=pulls", "");

    assert_has(both, "HTTP/1.1 400 ");
    assert_has(both, "combined collect and exclude queries are not allowed");
    assert_has(unknown, "HTTP/1.1 400 ");
    assert_has(unknown, "missing collector: pulls");
}

/* A scrape is in flight until its bytes were sent; the limit is 1. */
static void limits_scrapes_in_flight(void **state)
{
    struct site *site = *state;
    CLEANUP(buf_deinit) struct buf busy = BUF_INIT(0), slow = BUF_INIT(0), after = BUF_INIT(0);
    char first;
    int fd;

    post(site, LARGE);
    fd = ask(site, "GET", "/metrics", "Connection: close\r\n");
    assert_int_equal(recv(fd, &first, 1, MSG_PEEK), 1); /* the reply has begun and cannot end */
    busy = get(site, "/metrics", "");
    assert_has(busy, "HTTP/1.1 503 ");
    assert_has(busy, "Retry-After: 1\r\n");
    assert_string_equal(body_of(&busy),
                        "Limit of concurrent requests reached (1), try again later.\n");
    slow = answer(fd);
    assert_has(slow, "\nthings{number=\"39999\"} 39999\n");
    do { /* the last byte may arrive before the server has released it */
        buf_deinit(&after);
        after = get(site, "/metrics?name[]=promhttp_metric_handler_requests_total", "");
    } while (strstr(after.data, "HTTP/1.1 503 "));
    assert_has(after, "\npromhttp_metric_handler_requests_total{code=\"200\"} 1\n");
    assert_has_not(after, "{code=\"503\"} 0\n");
}

/* A client that disconnects is not in flight any more. */
static void does_not_count_disconnected_clients(void **state)
{
    struct site *site = *state;
    CLEANUP(buf_deinit) struct buf after = BUF_INIT(0);
    char first;

    post(site, LARGE);
    for (int i = 0; i < 3; i++) {
        int fd = ask(site, "GET", "/metrics", "");

        assert_int_equal(recv(fd, &first, 1, MSG_PEEK), 1);
        close(fd);
        do {
            buf_deinit(&after);
            after = get(site, "/metrics?name[]=things", "");
        } while (strstr(after.data, "HTTP/1.1 503 "));
        assert_has(after, "200 OK");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(replies_with_the_page),
        TEST(replies_in_openmetrics),
        TEST(head_renders_nothing),
        TEST(compresses_for_remote_clients),
        TEST(does_not_compress_small_pages),
        TEST(filters_by_the_query),
        TEST(rejects_invalid_queries),
        TEST(limits_scrapes_in_flight),
        TEST(does_not_count_disconnected_clients),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
