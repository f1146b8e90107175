/* SPDX-License-Identifier: Apache-2.0 */
/* Removes secrets from texts of libraries and peers, keeps the rest of the message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/redact.h"

#include <string.h>

static void assert_redacted(const char *text, const char *expected)
{
    char out[128];

    redact_text(out, sizeof(out), text, strlen(text));
    assert_string_equal(out, expected);
}

static void removes_queries(void **state)
{
    (void)state;
    assert_redacted("from http://a/b?sig=x: 403 Forbidden", "from http://a/b?...: 403 Forbidden");
    assert_redacted("Get \"https://a?b=c:d&e=f\": EOF", "Get \"https://a?...\": EOF");
    assert_redacted("(http://a/?x) http://b?y?z", "(http://a/?...) http://b?...");
    assert_redacted("http://a?", "http://a?...");
    assert_redacted("http://a/b#token=x", "http://a/b#...");
}

static void removes_users_and_passwords(void **state)
{
    (void)state;
    assert_redacted("http://svc:Secret@h:3128/x", "http://...@h:3128/x");
    assert_redacted("http://Secret@h", "http://...@h");
    assert_redacted("'http://svc:Secr@et@h:1'", "'http://...@h:1'");
    assert_redacted("in 'http://svc:Secr#et@h:1': no", "in 'http://...@h:1': no");
    assert_redacted("http://svc:Secr/et@h:1: no", "http://...@h:1: no");
    assert_redacted("http://svc:Secr?et@h:1 no", "http://...@h:1 no");
    assert_redacted("http://svc:Secr%et@h:1", "http://...@h:1");
    assert_redacted("http://svc:Secr et@h:1 no", "http://...@h:1 no");
    assert_redacted("\"http://svc:Secr et@h:1\": no", "\"http://...@h:1\": no");
    assert_redacted("\"http://svc:Secr\\\"et@h:1\": no", "\"http://...@h:1\": no");
    assert_redacted("http://svc:Secret", "http://...");
    assert_redacted("svc:Secret@h:1", "...@h:1");
    assert_redacted("invalid \"svc:Secr@et@h\": no", "invalid \"...@h\": no");
    assert_redacted("socks5://a:Secret@h, http://b:Secret@i", "socks5://...@h, http://...@i");
}

static void removes_credentials_of_headers(void **state)
{
    (void)state;
    assert_redacted("Authorization: Basic c3ZjOlNlY3JldA==", "Authorization: Basic ...");
    assert_redacted("got \"bearer eyJhbGciOi.Jh_b-G/c+\"", "got \"bearer ...\"");
    assert_redacted("expected Bearer or Basic", "expected Bearer or Basic");
    assert_redacted("Bearer realm=\"https://a/t?k=x\"", "Bearer realm=\"https://a/t?...\"");
}

static void keeps_the_rest(void **state)
{
    (void)state;
    assert_redacted("", "");
    assert_redacted("is it a URL? no", "is it a URL? no");
    assert_redacted("http://a/b: what? why", "http://a/b: what? why");
    assert_redacted("://", "://");
    assert_redacted("http://h:3128: no", "http://h:3128: no");
    assert_redacted("(http://[::1]:3128), http://[::1]", "(http://[::1]:3128), http://[::1]");
    assert_redacted("https://h/v2/a@sha256:12 no", "https://h/v2/a@sha256:12 no");
    assert_redacted("a@b https://h/a: c@d", "a@b https://h/a: c@d");
    assert_redacted("h/a@sha256:12: unexpected", "h/a@sha256:12: unexpected");
    assert_redacted("h:1/a:b@sha512:12: unexpected", "h:1/a:b@sha512:12: unexpected");
    assert_redacted("a@b: c", "a@b: c");
}

static void truncates(void **state)
{
    char out[12];

    (void)state;
    redact_text(out, sizeof(out), "http://a?secret", 15);
    assert_string_equal(out, "http://a?..");
    redact_text(out, sizeof(out), "no end of it", 12);
    assert_string_equal(out, "no end of i");
    redact_text(out, 1, "x", 1);
    assert_string_equal(out, "");
}

static void reads_only_the_given_size(void **state)
{
    char out[32];

    (void)state;
    redact_text(out, sizeof(out), "http://a?secret", 12);
    assert_string_equal(out, "http://a?...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(removes_queries),
        cmocka_unit_test(removes_users_and_passwords),
        cmocka_unit_test(removes_credentials_of_headers),
        cmocka_unit_test(keeps_the_rest),
        cmocka_unit_test(truncates),
        cmocka_unit_test(reads_only_the_given_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
