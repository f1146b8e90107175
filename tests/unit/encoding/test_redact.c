/* SPDX-License-Identifier: Apache-2.0 */
/* Removes queries of URLs, keeps the rest of the message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "encoding/redact.h"

#include <string.h>

static void assert_redacted(const char *text, const char *expected)
{
    char out[128];

    redact_urls(out, sizeof(out), text, strlen(text));
    assert_string_equal(out, expected);
}

static void removes_queries(void **state)
{
    (void)state;
    assert_redacted("from http://a/b?sig=x: 403 Forbidden", "from http://a/b?...: 403 Forbidden");
    assert_redacted("Get \"https://a?b=c:d&e=f\": EOF", "Get \"https://a?...\": EOF");
    assert_redacted("(http://a/?x) http://b?y?z", "(http://a/?...) http://b?...");
    assert_redacted("http://a?", "http://a?...");
}

static void keeps_the_rest(void **state)
{
    (void)state;
    assert_redacted("", "");
    assert_redacted("is it a URL? no", "is it a URL? no");
    assert_redacted("http://a/b: what? why", "http://a/b: what? why");
    assert_redacted("://", "://");
}

static void truncates(void **state)
{
    char out[12];

    (void)state;
    redact_urls(out, sizeof(out), "http://a?secret", 15);
    assert_string_equal(out, "http://a?..");
    redact_urls(out, sizeof(out), "no end of it", 12);
    assert_string_equal(out, "no end of i");
    redact_urls(out, 1, "x", 1);
    assert_string_equal(out, "");
}

static void reads_only_the_given_size(void **state)
{
    char out[32];

    (void)state;
    redact_urls(out, sizeof(out), "http://a?secret", 12);
    assert_string_equal(out, "http://a?...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(removes_queries),
        cmocka_unit_test(keeps_the_rest),
        cmocka_unit_test(truncates),
        cmocka_unit_test(reads_only_the_given_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
