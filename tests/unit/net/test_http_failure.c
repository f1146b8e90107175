/* SPDX-License-Identifier: Apache-2.0 */
/* The reason of each way to break an exchange: bytes of a server, of a proxy and of TLS records,
 * and the end of the connection. */
#include "net/http/http.h"

#include "base/clock.h"
#include "support/raw_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define OK          "HTTP/1.1 200 OK\r\n"

static enum error_code get(const char *url, bool of_server, struct error *err)
{
    CLEANUP(http_response_deinit) struct http_response response = HTTP_RESPONSE_INIT(100);
    const struct http_request request = {.method = "GET", .url = url, .url_of_server = of_server};
    CLEANUP(http_freep) struct http *http = http_new(&(struct http_options){0}, err);
    struct cancel cancel;

    *err = (struct error){ERROR_NONE};
    assert_non_null(http);
    cancel_init(&cancel, clock_now_ns() + 60 * NS_PER_SECOND);
    (void)!http_exchange(http, &request, &response, &cancel, err);
    cancel_deinit(&cancel);
    return err->code;
}

static void a_server_that_breaks_http(void **state)
{
    static const struct {
        const char *bytes;
        enum error_code want;
    } rows[] = {
        {OK "Content-Length: 0\r\n\r\n", ERROR_NONE},
        {"HTTP/1.0 200 OK\r\n\r\n", ERROR_NONE},
        {OK "Content-Length: 1\r\n\r\nabcdef", ERROR_NONE},
        {OK "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n", ERROR_NONE},
        {"", ERROR_CONNECT},
        {"HTT", ERROR_CONNECT},
        {OK, ERROR_CONNECT},
        {OK "Content-Length: 9\r\n", ERROR_CONNECT},
        {"HTTP/1.1 100 Continue\r\n\r\n", ERROR_CONNECT},
        {OK "Content-Length: 9\r\n\r\nxx", ERROR_CONNECT},
        {OK "Transfer-Encoding: chunked\r\n\r\n5\r\nab", ERROR_CONNECT},
        {"garbage\n", ERROR_PROTOCOL},
        {"SSH-2.0-OpenSSH_9\r\n", ERROR_PROTOCOL},
        {"<html>hello</html>", ERROR_PROTOCOL},
        {"ICY 200 OK\r\n\r\n", ERROR_PROTOCOL},
        {"\x15\x03\x01\x01\x02\x02\x28", ERROR_PROTOCOL}, /* an alert of a server with TLS */
        {"HTTP/3 200\r\n\r\n", ERROR_PROTOCOL},
        {"HTTP/1.9 200 OK\r\n\r\n", ERROR_PROTOCOL},
        {"HTTP/1.1 \r\n\r\n", ERROR_PROTOCOL},
        {"HTTP/1.1 abc OK\r\n\r\n", ERROR_PROTOCOL},
        {"HTTP/1.1 20 OK\r\n\r\n", ERROR_PROTOCOL},
        {"HTTP/1.1 2000 OK\r\n\r\n", ERROR_PROTOCOL},
        {OK "garbage\r\nContent-Length: 0\r\n\r\n", ERROR_PROTOCOL},
        {OK "Content-Length: abc\r\n\r\n", ERROR_PROTOCOL},
        {OK "Content-Length: -1\r\n\r\n", ERROR_PROTOCOL},
        {OK "Transfer-Encoding: chunked\r\n\r\nzz\r\n", ERROR_PROTOCOL},
        {OK "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx", ERROR_PROTOCOL},
        {OK "Transfer-Encoding: chunked\r\n\r\n2\r\nabXX", ERROR_PROTOCOL},
        {OK "Transfer-Encoding: gzip\r\n\r\nxx", ERROR_PROTOCOL},
        {OK "Transfer-Encoding: foo\r\n\r\nxx", ERROR_PROTOCOL},
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct raw_server server;
        enum error_code code;

        raw_start(&server, rows[i].bytes, strlen(rows[i].bytes), RAW_CLOSE);
        code = get(server.url, false, &err);
        raw_stop(&server);
        if (code != rows[i].want)
            fail_msg("%s: %s", rows[i].bytes, err.message);
    }
}

static void headers_that_are_too_long_are_a_limit(void **state)
{
    static char line[300 << 10], lines[300 << 10];
    const char *const rows[] = {line, lines};
    struct error err;

    (void)state;
    memset(line, 'x', sizeof(line) - 1);
    memcpy(line, OK "A: ", strlen(OK "A: "));
    memset(lines, 'x', sizeof(lines) - 1);
    for (size_t i = 0; i + 100 < sizeof(lines); i += 100)
        memcpy(lines + i, i > 0 ? "\r\nA: " : OK "A: ", i > 0 ? 5 : strlen(OK "A: "));
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct raw_server server;

        raw_start(&server, rows[i], strlen(rows[i]), RAW_CLOSE);
        assert_int_equal(get(server.url, false, &err), ERROR_LIMIT);
        assert_non_null(strstr(err.message, "header"));
        raw_stop(&server);
    }
}

static void resets_are_of_the_connection(void **state)
{
    static const char *const rows[] = {"", OK, OK "Content-Length: 9\r\n\r\nx",
                                       OK "Transfer-Encoding: chunked\r\n\r\n5\r\nab"};
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct raw_server server;

        raw_start(&server, rows[i], strlen(rows[i]), RAW_RESET);
        assert_int_equal(get(server.url, false, &err), ERROR_CONNECT);
        raw_stop(&server);
    }
}

static void a_handshake_that_fails(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        enum raw_end end;
        enum error_code want;
    } rows[] = {
        {"", 0, RAW_CLOSE, ERROR_CONNECT},
        {"", 0, RAW_RESET, ERROR_CONNECT},
        {"HTTP/1.0 400 Bad\r\n\r\n", 20, RAW_CLOSE, ERROR_TLS},
        {"garbage garbage", 15, RAW_CLOSE, ERROR_TLS},
        {"\x15\x03\x01\x00\x02\x02\x28", 7, RAW_CLOSE, ERROR_TLS}, /* alert: handshake failure */
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct raw_server server;
        char url[64];

        raw_start(&server, rows[i].bytes, rows[i].size, rows[i].end);
        snprintf(url, sizeof(url), "https://%s/", server.authority);
        if (get(url, false, &err) != rows[i].want)
            fail_msg("row %zu: %s", i, err.message);
        raw_stop(&server);
    }
}

/* The URL of a server is never to be blamed on the configuration. */
static void urls_that_are_invalid(void **state)
{
    static const char *const urls[] = {
        "http://[broken/",
        "http://h:99999/",
        "http://h:x/",
        "http://a b/",
        "ftp://127.0.0.1/",
        "file:///etc/x",
        "/x",
        "http://127.0.0.1:1/\x01",
        "",
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(urls); i++) {
        assert_int_equal(get(urls[i], false, &err), ERROR_INVALID);
        assert_int_equal(get(urls[i], true, &err), ERROR_PROTOCOL);
    }
}

static void connections_that_the_system_refuses(void **state)
{
    struct rlimit before, none;
    struct error err;

    (void)state;
    assert_int_equal(get("http://127.0.0.1:1/", false, &err), ERROR_CONNECT);
    assert_int_equal(get("http://[::1]:1/", false, &err), ERROR_CONNECT);
    assert_int_equal(get("http://255.255.255.255/", false, &err), ERROR_CONNECT);
    assert_int_equal(get("http://no-such-host.invalid/", false, &err), ERROR_DNS);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)raw_next_fd() + 2; /* curl needs two to wake itself */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(get("http://127.0.0.1:1/", false, &err), ERROR_INTERNAL); /* no socket */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* Whose fault it is: the proxy's or the registry's. */
static void a_proxy_that_breaks(void **state)
{
    static const struct {
        const char *scheme, *url, *bytes;
        enum error_code want;
    } rows[] = {
        {"http", "https://r.example/", "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", ERROR_PROXY},
        {"http", "https://r.example/", "HTTP/1.1 302 No\r\nContent-Length: 0\r\n\r\n", ERROR_PROXY},
        {"http", "https://r.example/", "HTTP/1.1 500 No\r\nContent-Length: 1\r\n\r\nx",
         ERROR_PROXY},
        {"http", "https://r.example/", "HTTP/1.1 100 No\r\n\r\n", ERROR_PROXY},
        {"http", "https://r.example/", "garbage\r\n\r\n", ERROR_PROXY},
        {"http", "https://r.example/", "", ERROR_CONNECT},
        {"http", "https://r.example/", OK "\r\n", ERROR_CONNECT},
        {"http", "https://r.example/", OK "\r\ngarbage", ERROR_TLS},
        {"http", "http://r.example/", "garbage\r\n\r\n", ERROR_PROTOCOL},
        {"http", "http://r.example/", "", ERROR_CONNECT},
        {"https", "http://r.example/", "garbage\r\n\r\n", ERROR_PROXY},
        {"https", "http://r.example/", "", ERROR_PROXY},
        {"https", "https://r.example/", "", ERROR_PROXY},
        {"socks5", "http://r.example/", "", ERROR_PROXY},
        {"socks5", "http://r.example/", "garbage\r\n\r\n", ERROR_PROXY},
        {"socks5", "http://r.example/", "\x05\xff", ERROR_PROXY},
    };
    struct error err;
    char value[64];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct raw_server server;

        raw_start(&server, rows[i].bytes, strlen(rows[i].bytes), RAW_CLOSE);
        snprintf(value, sizeof(value), "%s://%s", rows[i].scheme, server.authority);
        setenv("HTTPS_PROXY", value, 1);
        setenv("HTTP_PROXY", value, 1);
        if (get(rows[i].url, false, &err) != rows[i].want)
            fail_msg("row %zu: %s", i, err.message);
        raw_stop(&server);
    }
}

/* Each value is used as Go uses it, and nothing of it is shown. */
static void messages_hide_the_password_of_a_proxy(void **state)
{
    static const char *const values[] = {
        "http://svc:Secr3t#Secr3t@127.0.0.1:1",
        "http://svc:Secr3t/Secr3t@127.0.0.1:1",
        "http://svc:Secr3t?Secr3t@127.0.0.1:1",
        "http://svc:Secr3t@Secr3t@127.0.0.1:1",
        "http://svc:Secr3t Secr3t@127.0.0.1:1",
        "http://svc:Secr3t%40@127.0.0.1:1",
        "http://svc:Secr3t@127.0.0.1:99999",
        "http://svc:Secr3t@127.0.0.1:x",
        "ftp://svc:Secr3t@127.0.0.1:1",
        "socks5://svc:Secr3t@127.0.0.1:1",
        "socks4://svc:Secr3t@127.0.0.1:1",
        "https://svc:Secr3t@127.0.0.1:1",
        "svc:Secr3t@127.0.0.1:1",
        "http://svc:1/Secr3t@127.0.0.1:1",
        "http://Secr3t/x@127.0.0.1:1",
        "http://Secr3t@127.0.0.1:1",
        "http://svc:Secr3t[@127.0.0.1:1",
        "Secr3t#@127.0.0.1:1",
        "http://svc:Secr3t\"x@127.0.0.1:1",
        "http://svc:Secr3t\\x@127.0.0.1:1",
        "http://Secr3t:Secr3t@[::1:1",
        "Secr3t:Secr3t",
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        setenv("HTTPS_PROXY", values[i], 1);
        if (get("https://r.example/", false, &err) != ERROR_PROXY || strstr(err.message, "ecr3t") ||
            !strstr(err.message, "HTTPS_PROXY"))
            fail_msg("%s: %s: %s", values[i], error_code_name(err.code), err.message);
    }
}

static void a_proxy_gets_user_password_and_name(void **state)
{
    static const struct {
        const char *user, *want;
    } rows[] = {
        {"svc:p%40%23%20s@", "Proxy-Authorization: Basic c3ZjOnBAIyBz\r\n"},
        {"svc:p@s@", "Proxy-Authorization: Basic c3ZjOnBAcw==\r\n"},
        {"svc@", "Proxy-Authorization: Basic c3ZjOg==\r\n"},
        {":p@", "Proxy-Authorization: Basic OnA=\r\n"},
        {"", "CONNECT r.example:443 HTTP/1.1\r\n"},
    };
    struct error err;
    char value[128];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct raw_server server;

        raw_start(&server, "", 0, RAW_CLOSE);
        snprintf(value, sizeof(value), "http://%s%s", rows[i].user, server.authority);
        setenv("HTTPS_PROXY", value, 1);
        assert_int_equal(get("https://r.example/", false, &err), ERROR_CONNECT);
        raw_stop(&server);
        if (!strstr(server.request, rows[i].want))
            fail_msg("%s: %s", value, server.request);
    }
}

/* The host has no address: only the proxy can find it. */
static void a_socks_proxy_resolves_names(void **state)
{
    static const char answers[] =
        "\x05\x00"
        "\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x01" OK "Content-Length: 0\r\n\r\n";
    struct raw_server server;
    struct error err;
    char value[64];

    (void)state;
    raw_start(&server, answers, sizeof(answers) - 1, RAW_CLOSE);
    snprintf(value, sizeof(value), "socks5://%s", server.authority);
    setenv("HTTP_PROXY", value, 1);
    assert_int_equal(get("http://no-such-host.invalid/", false, &err), ERROR_NONE);
    raw_stop(&server);
    assert_non_null(memmem(server.request, server.request_size,
                           "\x05\x01\x00\x03\x14no-such-host.invalid\x00\x50", 27));
}

static int set_up(void **state)
{
    (void)state;
    http_library_init();
    unsetenv("HTTP_PROXY");
    unsetenv("HTTPS_PROXY");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http_library_deinit();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, forget_proxies)

static int forget_proxies(void **state)
{
    (void)state;
    unsetenv("HTTP_PROXY");
    unsetenv("HTTPS_PROXY");
    unsetenv("NO_PROXY");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_server_that_breaks_http),
        TEST(headers_that_are_too_long_are_a_limit),
        TEST(resets_are_of_the_connection),
        TEST(a_handshake_that_fails),
        TEST(urls_that_are_invalid),
        TEST(connections_that_the_system_refuses),
        TEST(a_proxy_that_breaks),
        TEST(messages_hide_the_password_of_a_proxy),
        TEST(a_proxy_gets_user_password_and_name),
        TEST(a_socks_proxy_resolves_names),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
