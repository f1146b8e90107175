/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP messages as text: headers, limits of bodies, origins of URLs. */
#include "net/http/http_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void stores_headers_in_one_form(void **state)
{
    static const struct {
        const char *line, *want;
    } rows[] = {
        {"X-A: b\r\n", "x-a: b\n"}, {"AZ[@:b", "az[@: b\n"}, {"a:  b c \t\r\n", "a: b c\n"},
        {"a:\r\n", "a: \n"},        {"a: \r\n", "a: \n"},    {"a:b", "a: b\n"},
        {"a:b\tc\n", "a: b c\n"},   {"no header\r\n", ""},   {"", ""},
        {"a: b:c\r\n", "a: b:c\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(http_response_deinit) struct http_response response = HTTP_RESPONSE_INIT(10);

        http_response_add_header(&response, rows[i].line, strlen(rows[i].line));
        assert_string_equal(response.headers.size > 0 ? response.headers.data : "", rows[i].want);
    }
}

static void finds_whole_names_of_headers(void **state)
{
    CLEANUP(http_response_deinit) struct http_response response = HTTP_RESPONSE_INIT(10);
    char out[4] = "";

    (void)state;
    assert_false(http_response_header(&response, "a", 0, out, sizeof(out)));
    buf_append_str(&response.headers, "aa: 1\na: 123\na: 4567\na: 8\n");
    assert_true(http_response_header(&response, "a", 0, out, sizeof(out)));
    assert_string_equal(out, "123");
    assert_false(http_response_header(&response, "a", 1, out, sizeof(out)));
    assert_true(http_response_header(&response, "a", 2, out, sizeof(out)));
    assert_string_equal(out, "8");
    assert_false(http_response_header(&response, "a", 3, out, sizeof(out)));
    assert_false(http_response_header(&response, "b", 0, out, sizeof(out)));
}

/* 256 KiB beyond the limit of the body are dropped before the exchange ends. */
static void drops_a_body_beyond_its_limit(void **state)
{
    CLEANUP(http_response_deinit) struct http_response response = HTTP_RESPONSE_INIT(4);
    static char data[(256 << 10) + 4];

    (void)state;
    memset(data, 'x', sizeof(data));
    response.received_bytes = 3;
    assert_true(http_response_add_body(&response, data, 3));
    response.received_bytes = sizeof(data);
    assert_true(http_response_add_body(&response, data, sizeof(data) - 3));
    assert_int_equal(response.body.size, 4);
    response.received_bytes++;
    assert_false(http_response_add_body(&response, data, 1));
    assert_int_equal(response.body.size, 4);
}

static void empties_a_response(void **state)
{
    CLEANUP(http_response_deinit) struct http_response response = HTTP_RESPONSE_INIT(4);

    (void)state;
    buf_append_str(&response.headers, "a: b\n");
    buf_append_str(&response.body, "b");
    response.status = 200;
    response.no_tls = response.from_elsewhere = true;
    response.received_bytes = response.sent_bytes = 7;
    response.certificate_expiry = 9;
    http_response_empty(&response);
    assert_int_equal(response.headers.size + response.body.size, 0);
    assert_int_equal(response.body.limit_bytes, 4);
    assert_int_equal(response.status, 0);
    assert_false(response.no_tls || response.from_elsewhere);
    assert_int_equal(response.received_bytes + response.sent_bytes, 0);
    assert_true(response.certificate_expiry == 0);
    assert_true(response.times.dns == -1 && response.times.connect == -1);
    assert_true(response.times.tls == -1 && response.times.first_byte == -1);
}

static void reads_a_text_in_pieces(void **state)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(10);
    struct http_text source = {&text, 0};
    char out[8] = "";
    size_t n;

    (void)state;
    assert_true(http_text_read(&source, out, 3, &n, NULL));
    assert_int_equal(n, 0);
    buf_append_str(&text, "hello");
    assert_true(http_text_read(&source, out, 3, &n, NULL));
    assert_int_equal(n, 3);
    assert_memory_equal(out, "hel", 3);
    assert_true(http_text_read(&source, out, 3, &n, NULL));
    assert_int_equal(n, 2);
    assert_memory_equal(out, "lo", 2);
    assert_true(http_text_read(&source, out, 3, &n, NULL));
    assert_int_equal(n, 0);
    assert_true(http_text_rewind(&source, NULL, NULL));
    assert_true(http_text_read(&source, out, sizeof(out), &n, NULL));
    assert_int_equal(n, 5);
}

static void an_origin_has_no_secrets(void **state)
{
    static const struct {
        const char *url, *want;
    } rows[] = {
        {"https://r.example:5000/v2/", "https://r.example:5000"},
        {"https://user:pass@r.example/v2/", "https://r.example"},
        {"https://a@b@r.example?token=x", "https://r.example"},
        {"http://r.example#f", "http://r.example"},
        {"http://r.example\\@evil/", "http://r.example"},
        {"http://r.example/a@b", "http://r.example"},
        {"user@r.example/x", "r.example"},
        {"http://@r.example/", "http://r.example"},
        {"http://[::1]/", "http://[::1]"},
        {"http://[::1]:5000/", "http://[::1]:5000"},
        {"http://svc:secret#t@r.example/", "http://..."},
        {"http://svc:secret/t@r.example/", "http://..."},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[HTTP_ORIGIN_BYTES];

        http_origin(rows[i].url, out, sizeof(out));
        assert_string_equal(out, rows[i].want);
    }
}

static void compares_origins(void **state)
{
    static const struct {
        const char *from, *to;
        bool same, shares;
    } rows[] = {
        {"https://r.example/v2/", "https://r.example/other?x", true, true},
        {"https://r.example:443/v2/", "https://r.example/", true, true},
        {"https://r.example/", "https://r.example:443", true, true},
        {"http://r.example:80/", "http://r.example", true, true},
        {"https://r.example:/", "https://r.example", true, true},
        {"HTTPS://R.Example/", "https://r.example:443/", true, true},
        {"https://user:pass@r.example/", "https://r.example/", true, true},
        {"https://[::1]/", "https://[::1]:443/", true, true},
        {"https://[::1]:5000/", "https://[::1]:5000/x", true, true},
        {"http://r.example/", "https://r.example/", false, true},
        {"http://r.example:80/", "https://r.example:443/", false, true},
        {"https://r.example/", "http://r.example/", false, false},
        {"http://r.example:443/", "https://r.example/", false, false},
        {"https://r.example:80/", "http://r.example/", false, false},
        {"http://r.example:5000/", "https://r.example:5000/", false, false},
        {"https://r.example:5000/", "https://r.example/", false, false},
        {"https://r.example:5000/", "https://r.example:5001/", false, false},
        {"https://r.example/", "https://sub.r.example/", false, false},
        {"https://r.example/", "https://r.example.evil/", false, false},
        {"https://r.example/", "https://r.example@evil/", false, false},
        {"https://r.example/", "https://r.example\\@evil/", true, true},
        {"https://[::1]/", "https://[::2]/", false, false},
        {"https://r.example/", "", false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (http_same_origin(rows[i].from, rows[i].to) != rows[i].same ||
            http_same_origin(rows[i].to, rows[i].from) != rows[i].same)
            fail_msg("origins of %s and %s", rows[i].from, rows[i].to);
        if (http_may_share_identity(rows[i].from, rows[i].to) != rows[i].shares)
            fail_msg("identity from %s to %s", rows[i].from, rows[i].to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stores_headers_in_one_form),
        cmocka_unit_test(finds_whole_names_of_headers),
        cmocka_unit_test(drops_a_body_beyond_its_limit),
        cmocka_unit_test(empties_a_response),
        cmocka_unit_test(reads_a_text_in_pieces),
        cmocka_unit_test(an_origin_has_no_secrets),
        cmocka_unit_test(compares_origins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
