/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges with a scripted server on loopback. */
#include "net/http/http.h"

#include "base/clock.h"
#include "support/fake_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BODY_LIMIT ((size_t)64)
#define LONG_NS    (60 * NS_PER_SECOND) /* longer than any exchange here takes on a slow machine */

/* A server, a client and one exchange. */
struct trial {
    struct fake_http fake;
    struct http *http;
    struct http_response response;
    struct cancel cancel;
    struct error err;
    struct buf taken;
};

static void begin(struct trial *c, const struct fake_rule *rules, int64_t timeout_ns)
{
    *c = (struct trial){.response = HTTP_RESPONSE_INIT(BODY_LIMIT), .taken = BUF_INIT(1 << 20)};
    fake_start(&c->fake, rules);
    c->http = http_new(&(struct http_options){.user_agent = "test"}, &c->err);
    assert_non_null(c->http);
    cancel_init(&c->cancel, clock_now_ns() + timeout_ns);
}

static void end(struct trial *c)
{
    http_free(c->http);
    http_response_deinit(&c->response);
    cancel_deinit(&c->cancel);
    buf_deinit(&c->taken);
    fake_stop(&c->fake);
}

static bool take(void *arg, const void *data, size_t size, struct error *err)
{
    (void)err;
    buf_append(arg, data, size);
    return true;
}

static bool refuse(void *arg, const void *data, size_t size, struct error *err)
{
    (void)arg;
    (void)data;
    (void)size;
    return error_set(err, ERROR_NO_SPACE, "no room");
}

static bool ask(struct trial *c, struct http_request request, const char *path)
{
    char url[256];

    snprintf(url, sizeof(url), "http://%s%s", c->fake.host, path);
    request.url = url;
    if (!request.method)
        request.method = "GET";
    return http_exchange(c->http, &request, &c->response, &c->cancel, &c->err);
}

static void streams_a_body_and_keeps_the_connection(void **state)
{
    static const struct fake_rule rules[] = {
        {"GET /a", .status = "200 OK", .headers = "X-Thing:  some  \r\nx-thing: more\r\n",
         .body = "hello"},
        {0},
    };
    struct trial c;
    char value[16];

    (void)state;
    begin(&c, rules, LONG_NS);
    assert_true(ask(&c, (struct http_request){.sink = take, .sink_arg = &c.taken}, "/a"));
    assert_int_equal(c.response.status, 200);
    assert_string_equal(c.taken.data, "hello");
    assert_int_equal(c.response.body.size, 0);
    assert_int_equal(c.response.received_bytes, 5);
    assert_true(c.response.times.connect >= 0);
    assert_true(c.response.times.tls < 0);
    assert_true(c.response.times.first_byte >= 0);
    assert_true(http_response_header(&c.response, "x-thing", 0, value, sizeof(value)));
    assert_string_equal(value, "some");
    assert_true(http_response_header(&c.response, "x-thing", 1, value, sizeof(value)));
    assert_string_equal(value, "more");
    assert_false(http_response_header(&c.response, "x-thing", 2, value, sizeof(value)));
    assert_false(http_response_header(&c.response, "x-thing", 0, value, 4));
    assert_true(ask(&c, (struct http_request){0}, "/a"));
    assert_string_equal(c.response.body.data, "hello");
    assert_true(c.response.times.connect < 0);
    assert_true(c.response.times.dns < 0);
    assert_int_equal(fake_connections(&c.fake), 1);
    assert_false(fake_saw(&c.fake, "Accept-Encoding"));
    assert_true(fake_saw(&c.fake, "User-Agent: test\r\n"));
    end(&c);
}

static void gives_the_sink_only_bodies_of_2xx(void **state)
{
    static const struct fake_rule rules[] = {
        {"GET /missing", .status = "404 Not Found", .body = "no such thing"},
        {"GET /long", .status = "500 Oops",
         .body = "0123456789012345678901234567890123456789012345678901234567890123456789"},
        {0},
    };
    struct trial c;

    (void)state;
    begin(&c, rules, LONG_NS);
    assert_true(ask(&c, (struct http_request){.sink = take, .sink_arg = &c.taken}, "/missing"));
    assert_int_equal(c.response.status, 404);
    assert_string_equal(c.response.body.data, "no such thing");
    assert_true(ask(&c, (struct http_request){.sink = take, .sink_arg = &c.taken}, "/long"));
    assert_int_equal(c.response.body.size, BODY_LIMIT);
    assert_int_equal(c.response.received_bytes, 70);
    assert_int_equal(c.taken.size, 0);
    end(&c);
}

static void ends_an_exchange_whose_failure_body_is_too_long(void **state)
{
    static char much[2 << 20];
    struct fake_rule rules[] = {
        {"GET /x", .status = "404 No", .body = much, .body_bytes = sizeof(much), .length_off = 1,
         .end = FAKE_HANG},
        {0},
    };
    struct trial c;

    (void)state;
    begin(&c, rules, LONG_NS);
    assert_true(ask(&c, (struct http_request){0}, "/x"));
    assert_int_equal(c.response.status, 404);
    assert_true(c.response.received_bytes < sizeof(much));
    end(&c);
}

static void stops_with_the_error_of_the_sink(void **state)
{
    static const struct fake_rule rules[] = {{"GET /a", .status = "200 OK", .body = "x"}, {0}};
    struct trial c;

    (void)state;
    begin(&c, rules, LONG_NS);
    assert_false(ask(&c, (struct http_request){.sink = refuse}, "/a"));
    assert_int_equal(c.err.code, ERROR_NO_SPACE);
    assert_string_equal(c.err.message, "no room");
    end(&c);
}

static void follows_redirects_only_when_asked(void **state)
{
    static const struct fake_rule rules[] = {
        {"GET /from", .status = "307 Go", .headers = "Location: http://@HOST@/to\r\n",
         .body = "not this"},
        {"GET /to", .status = "200 OK", .body = "this"},
        {"GET /round", .status = "302 Go", .headers = "Location: /round\r\n"},
        {"GET /file", .status = "302 Go", .headers = "Location: file:///etc/passwd\r\n"},
        {0},
    };
    const struct http_request follow = {.follow_redirects = true};
    struct trial c;

    (void)state;
    begin(&c, rules, LONG_NS);
    assert_true(ask(&c, (struct http_request){0}, "/from"));
    assert_int_equal(c.response.status, 307);
    assert_true(ask(&c, follow, "/from"));
    assert_int_equal(c.response.status, 200);
    assert_string_equal(c.response.body.data, "this");
    assert_false(c.response.from_elsewhere);
    assert_false(ask(&c, follow, "/round"));
    assert_int_equal(c.err.code, ERROR_PROTOCOL);
    assert_false(ask(&c, follow, "/file"));
    assert_int_equal(c.err.code, ERROR_PROTOCOL); /* the server gave the URL, not the caller */
    end(&c);
}

static void keeps_credentials_from_other_hosts(void **state)
{
    static const char *const headers[] = {"Authorization: Bearer hidden", "X-Other: shown", NULL};
    static const struct fake_rule there[] = {{"GET /", .status = "200 OK", .body = "ok"}, {0}};
    struct fake_rule here[] = {{"GET /", .status = "307 Go"}, {0}};
    struct fake_http other;
    struct trial c;
    char location[128];

    (void)state;
    fake_start(&other, there);
    snprintf(location, sizeof(location), "Location: http://%s/blob\r\n", other.host);
    here[0].headers = location;
    begin(&c, here, LONG_NS);
    assert_true(
        ask(&c, (struct http_request){.headers = headers, .follow_redirects = true}, "/blob"));
    assert_int_equal(c.response.status, 200);
    assert_true(c.response.from_elsewhere);
    assert_true(fake_saw(&c.fake, "hidden"));
    assert_true(fake_saw(&other, "X-Other: shown"));
    assert_false(fake_saw(&other, "hidden"));
    end(&c);
    fake_stop(&other);
}

struct form {
    const char *status; /* of the redirect of a POST with the body "form" */
    bool rewinds, secret, elsewhere;
    const char *want; /* what the server at the end gets; NULL: the redirect is the response */
};

static void redirect_form(const struct form *row)
{
    static const struct fake_rule there[] = {{"", .status = "200 OK"}, {0}};
    struct fake_rule here[] = {
        {"POST /from", .status = row->status}, {"", .status = "200 OK"}, {0}};
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(16);
    struct http_text body = {&text, 0};
    struct fake_http other;
    struct trial c;
    char location[128];

    fake_start(&other, there);
    snprintf(location, sizeof(location), "Location: http://%s/to\r\n",
             row->elsewhere ? other.host : "@HOST@");
    here[0].headers = location;
    buf_append_str(&text, "form");
    begin(&c, here, LONG_NS);
    if (!ask(&c,
             (struct http_request){.method = "POST",
                                   .source = http_text_read,
                                   .source_arg = &body,
                                   .rewind = row->rewinds ? http_text_rewind : NULL,
                                   .body_bytes = 4,
                                   .secret_body = row->secret,
                                   .follow_redirects = true},
             "/from"))
        fail_msg("%s: %s", row->status, c.err.message);
    assert_int_equal(c.response.status, row->want ? 200 : atoi(row->status));
    assert_int_equal(c.response.sent_bytes, row->want && *row->want == 'P' ? 8 : 4);
    if (row->want && !fake_saw(row->elsewhere ? &other : &c.fake, row->want))
        fail_msg("%s: no %s", row->status, row->want);
    assert_int_equal(fake_saw(&other, "form"),
                     row->elsewhere && row->want && strstr(row->want, "POST"));
    end(&c);
    fake_stop(&other);
}

static void redirects_writes_as_go_does(void **state)
{
    static const struct form rows[] = {
        {"301 Go", .rewinds = true, .want = "GET /to "},
        {"302 Go", .want = "GET /to "},
        {"303 Go", .secret = true, .elsewhere = true, .want = "GET /to "},
        {"307 Go", .rewinds = true, .want = "POST /to "},
        {"308 Go", .rewinds = true, .want = "POST /to "},
        {"307 Go", .rewinds = true, .secret = true, .want = "POST /to "},
        {"307 Go", .rewinds = true, .elsewhere = true, .want = "POST /to "},
        {"307 Go", .rewinds = true, .secret = true, .elsewhere = true},
        {"308 Go"},
        {"300 Go", .rewinds = true},
        {"304 Go", .rewinds = true},
        {"305 Go", .rewinds = true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        redirect_form(&rows[i]);
}

static bool name_guest(void *arg, const char *url, const char **header, struct error *err)
{
    (void)err;
    *header = strstr(url, arg) ? "Authorization: Bearer guest" : NULL;
    return true;
}

static void has_an_identity_of_its_own_at_another_host(void **state)
{
    static const char *const headers[] = {"Authorization: Bearer hidden", NULL};
    static const struct fake_rule there[] = {{"GET /", .status = "200 OK"}, {0}};
    struct fake_rule here[] = {{"GET /", .status = "307 Go"}, {0}};
    struct fake_http other;
    struct trial c;
    char location[128];

    (void)state;
    fake_start(&other, there);
    snprintf(location, sizeof(location), "Location: http://%s/blob\r\n", other.host);
    here[0].headers = location;
    begin(&c, here, LONG_NS);
    assert_true(ask(&c,
                    (struct http_request){.headers = headers,
                                          .follow_redirects = true,
                                          .identity = name_guest,
                                          .identity_arg = other.host},
                    "/blob"));
    assert_true(c.response.from_elsewhere);
    assert_true(fake_saw(&c.fake, "Bearer hidden"));
    assert_false(fake_saw(&c.fake, "Bearer guest"));
    assert_true(fake_saw(&other, "Bearer guest"));
    assert_false(fake_saw(&other, "Bearer hidden"));
    end(&c);
    fake_stop(&other);
}

struct text_source {
    const char *text;
    size_t piece;
};

static bool read_text(void *arg, void *data, size_t size, size_t *n, struct error *err)
{
    struct text_source *source = arg;

    (void)err;
    *n = strlen(source->text);
    if (*n > source->piece)
        *n = source->piece;
    if (*n > size)
        *n = size;
    memcpy(data, source->text, *n);
    source->text += *n;
    return true;
}

static bool fail_to_read(void *arg, void *data, size_t size, size_t *n, struct error *err)
{
    (void)arg;
    (void)data;
    (void)size;
    (void)n;
    return error_set(err, ERROR_UNPACK, "broken source");
}

static void sends_bodies(void **state)
{
    static const struct fake_rule rules[] = {
        {"PUT /a", .status = "201 Created"},
        {"POST /a", .status = "202 Accepted"},
        {"DELETE /a", .status = "204 Gone"},
        {0},
    };
    struct text_source source = {"some body", 2};
    struct trial c;

    (void)state;
    begin(&c, rules, LONG_NS);
    assert_true(
        ask(&c,
            (struct http_request){
                .method = "PUT", .source = read_text, .source_arg = &source, .body_bytes = 9},
            "/a"));
    assert_int_equal(c.response.status, 201);
    assert_int_equal(c.response.sent_bytes, 9);
    assert_string_equal(source.text, "");
    assert_true(fake_saw(&c.fake, "Content-Length: 9\r\n\r\nsome body"));
    assert_false(fake_saw(&c.fake, "Expect"));
    assert_true(ask(&c, (struct http_request){.method = "POST"}, "/a"));
    assert_int_equal(c.response.status, 202);
    assert_true(fake_saw(&c.fake, "Content-Length: 0\r\n\r\n"));
    assert_false(fake_saw(&c.fake, "Content-Type"));
    assert_true(ask(&c, (struct http_request){.method = "DELETE"}, "/a"));
    assert_int_equal(c.response.status, 204);
    end(&c);
}

static void reads_no_more_of_a_source_than_the_body(void **state)
{
    static const struct fake_rule rules[] = {{"PUT /a", .status = "201 Created"}, {0}};
    struct text_source source = {"some body", 3};
    struct trial c;

    (void)state;
    begin(&c, rules, LONG_NS);
    assert_true(
        ask(&c,
            (struct http_request){
                .method = "PUT", .source = read_text, .source_arg = &source, .body_bytes = 4},
            "/a"));
    assert_string_equal(source.text, " body");
    assert_true(fake_saw(&c.fake, "Content-Length: 4\r\n\r\nsome\n--"));
    end(&c);
}

static void does_not_wait_for_a_source_that_failed(void **state)
{
    static const struct fake_rule rules[] = {{"PUT /", .status = "201 Created"}, {0}};
    struct text_source source = {"short", 9};
    struct http_request request = {.method = "PUT", .source = read_text, .source_arg = &source};
    struct trial c;

    (void)state;
    begin(&c, rules, LONG_NS);
    request.body_bytes = 9;
    assert_false(ask(&c, request, "/a"));
    assert_int_equal(c.err.code, ERROR_SIZE_MISMATCH);
    request.source = fail_to_read;
    assert_false(ask(&c, request, "/a"));
    assert_int_equal(c.err.code, ERROR_UNPACK);
    end(&c);
}

static void head_has_no_body(void **state)
{
    static const struct fake_rule rules[] = {{"HEAD /a", .status = "200 OK", .body = "1234"}, {0}};
    struct trial c;
    char value[16];

    (void)state;
    begin(&c, rules, LONG_NS);
    assert_true(ask(&c, (struct http_request){.method = "HEAD"}, "/a"));
    assert_int_equal(c.response.status, 200);
    assert_true(http_response_header(&c.response, "content-length", 0, value, sizeof(value)));
    assert_string_equal(value, "4");
    end(&c);
}

static void failures_have_exact_reasons_and_name_the_host(void **state)
{
    static const struct fake_rule rules[] = {
        {"GET /reset", .end = FAKE_RESET},
        {"GET /close", .end = FAKE_CLOSE},
        {"GET /cut", .status = "200 OK", .body = "x", .length_off = 5, .end = FAKE_CLOSE},
        {"GET /hang", .end = FAKE_HANG},
        {"GET /stuck", .status = "200 OK", .body = "x", .length_off = 5, .end = FAKE_HANG},
        {0},
    };
    static const struct {
        const char *path;
        enum error_code want;
    } rows[] = {
        {"/reset", ERROR_CONNECT}, {"/close", ERROR_CONNECT}, {"/cut", ERROR_CONNECT},
        {"/hang", ERROR_TIMEOUT},  {"/stuck", ERROR_TIMEOUT},
    };
    struct trial c;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin(&c, rules, rows[i].want == ERROR_TIMEOUT ? 300 * NS_PER_MS : LONG_NS);
        assert_false(ask(&c, (struct http_request){0}, rows[i].path));
        assert_int_equal(c.err.code, rows[i].want);
        assert_non_null(strstr(c.err.message, c.fake.host));
        end(&c);
    }
}

static void messages_of_bad_urls_hide_secrets(void **state)
{
    static const struct {
        const char *url;
        enum error_code want;
    } rows[] = {
        {"http://127.0.0.1:1/", ERROR_CONNECT},
        {"http://no-such-host.invalid/", ERROR_DNS},
        {"ftp://127.0.0.1/", ERROR_INVALID},
        {"http://user:hidden@127.0.0.1:1/path?token=hidden", ERROR_CONNECT},
        {"http://[broken/", ERROR_INVALID},
    };
    static const struct fake_rule none[] = {{0}};
    struct trial c;

    (void)state;
    begin(&c, none, LONG_NS);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct http_request request = {.method = "GET", .url = rows[i].url};

        assert_false(http_exchange(c.http, &request, &c.response, &c.cancel, &c.err));
        assert_int_equal(c.err.code, rows[i].want);
        assert_null(strstr(c.err.message, "hidden"));
        assert_true(c.response.times.first_byte < 0);
    }
    end(&c);
}

static void a_server_without_tls_is_a_tls_error(void **state)
{
    static const struct fake_rule none[] = {{0}};
    struct http_request request = {.method = "GET"};
    struct trial c;
    char url[64];

    (void)state;
    begin(&c, none, LONG_NS);
    snprintf(url, sizeof(url), "https://%s/", c.fake.host);
    request.url = url;
    assert_false(http_exchange(c.http, &request, &c.response, &c.cancel, &c.err));
    assert_int_equal(c.err.code, ERROR_TLS);
    assert_true(c.response.no_tls);
    assert_non_null(strstr(c.err.message, "the server speaks HTTP, not TLS"));
    assert_non_null(strstr(c.err.message, "plain_http: true"));
    end(&c);
}

static void *cancel_soon(void *cancel)
{
    usleep(100000);
    cancel_now(cancel);
    return NULL;
}

static void ends_at_once_when_canceled(void **state)
{
    static const struct fake_rule rules[] = {{"GET /", .end = FAKE_HANG}, {0}};
    struct trial c;
    pthread_t thread;
    int64_t start_ns;

    (void)state;
    begin(&c, rules, LONG_NS);
    start_ns = clock_now_ns();
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &c.cancel), 0);
    assert_false(ask(&c, (struct http_request){0}, "/hang"));
    pthread_join(thread, NULL);
    assert_int_equal(c.err.code, ERROR_CANCELED);
    assert_true(clock_now_ns() - start_ns < LONG_NS / 2);
    assert_false(ask(&c, (struct http_request){0}, "/hang"));
    assert_int_equal(c.err.code, ERROR_CANCELED);
    end(&c);
}

static void reconnects_if_a_kept_connection_was_closed(void **state)
{
    static const struct fake_rule rules[] = {
        {"GET /a", .uses = 1, .status = "200 OK", .body = "1", .end = FAKE_CLOSE},
        {"GET /a", .status = "200 OK", .body = "2"},
        {0},
    };
    struct trial c;

    (void)state;
    begin(&c, rules, LONG_NS);
    assert_true(ask(&c, (struct http_request){0}, "/a"));
    assert_true(ask(&c, (struct http_request){0}, "/a"));
    assert_string_equal(c.response.body.data, "2");
    assert_int_equal(fake_connections(&c.fake), 2);
    end(&c);
}

static void limits_the_size_of_headers(void **state)
{
    static char headers[HTTP_HEADERS_LIMIT_BYTES + 4096];
    struct fake_rule rules[] = {{"GET /", .status = "200 OK", .headers = headers}, {0}};
    struct trial c;

    (void)state;
    for (size_t i = 0; i < sizeof(headers) - 1; i++)
        headers[i] = "X: 3456789012345678901234567890\r\n"[i % 33];
    headers[(sizeof(headers) - 1) / 33 * 33] = '\0';
    begin(&c, rules, LONG_NS);
    assert_false(ask(&c, (struct http_request){0}, "/a"));
    assert_int_equal(c.err.code, ERROR_LIMIT);
    end(&c);
}

static void refuses_headers_with_line_breaks(void **state)
{
    static const struct fake_rule none[] = {{0}};
    static const char *const headers[] = {"A: b\r\nC: d", NULL};
    struct trial c;

    (void)state;
    begin(&c, none, LONG_NS);
    assert_false(ask(&c, (struct http_request){.headers = headers}, "/"));
    assert_int_equal(c.err.code, ERROR_INVALID);
    end(&c);
}

static void escapes_all_but_unreserved_characters(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(100);

    (void)state;
    http_escape(&out, "aZ9-._~ /:&=+%\xc3\xa4");
    assert_string_equal(out.data, "aZ9-._~%20%2F%3A%26%3D%2B%25%C3%A4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_a_body_and_keeps_the_connection),
        cmocka_unit_test(gives_the_sink_only_bodies_of_2xx),
        cmocka_unit_test(ends_an_exchange_whose_failure_body_is_too_long),
        cmocka_unit_test(stops_with_the_error_of_the_sink),
        cmocka_unit_test(follows_redirects_only_when_asked),
        cmocka_unit_test(redirects_writes_as_go_does),
        cmocka_unit_test(has_an_identity_of_its_own_at_another_host),
        cmocka_unit_test(keeps_credentials_from_other_hosts),
        cmocka_unit_test(sends_bodies),
        cmocka_unit_test(reads_no_more_of_a_source_than_the_body),
        cmocka_unit_test(does_not_wait_for_a_source_that_failed),
        cmocka_unit_test(head_has_no_body),
        cmocka_unit_test(failures_have_exact_reasons_and_name_the_host),
        cmocka_unit_test(messages_of_bad_urls_hide_secrets),
        cmocka_unit_test(a_server_without_tls_is_a_tls_error),
        cmocka_unit_test(ends_at_once_when_canceled),
        cmocka_unit_test(reconnects_if_a_kept_connection_was_closed),
        cmocka_unit_test(limits_the_size_of_headers),
        cmocka_unit_test(refuses_headers_with_line_breaks),
        cmocka_unit_test(escapes_all_but_unreserved_characters),
    };
    int failed;

    unsetenv("http_proxy");
    unsetenv("https_proxy");
    unsetenv("HTTPS_PROXY");
    unsetenv("ALL_PROXY");
    unsetenv("all_proxy");
    http_library_init();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    http_library_deinit();
    return failed;
}
