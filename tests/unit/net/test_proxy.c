/* SPDX-License-Identifier: Apache-2.0 */
/* Which proxy a URL goes through, as Go's programs read the environment. */
#include "net/proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *no_proxy;

static const char *upper(const char *name)
{
    if (strcmp(name, "HTTP_PROXY") == 0)
        return "http://plain.proxy:3128";
    if (strcmp(name, "HTTPS_PROXY") == 0)
        return "http://tls.proxy:3128";
    return strcmp(name, "NO_PROXY") == 0 ? no_proxy : NULL;
}

static const char *lower(const char *name)
{
    if (strcmp(name, "http_proxy") == 0)
        return "plain.proxy";
    return strcmp(name, "HTTPS_PROXY") == 0 ? "" : NULL;
}

static void chooses_the_proxy_by_scheme(void **state)
{
    (void)state;
    no_proxy = NULL;
    assert_string_equal(proxy_of("http://r.example/v2/", upper), "http://plain.proxy:3128");
    assert_string_equal(proxy_of("https://r.example/v2/", upper), "http://tls.proxy:3128");
    assert_string_equal(proxy_of("http://r.example/v2/", lower), "plain.proxy");
    assert_null(proxy_of("https://r.example/v2/", lower));
    assert_null(proxy_of("r.example/v2/", upper));
}

static void uses_no_proxy_for_loopback(void **state)
{
    static const char *const urls[] = {
        "http://localhost/",       "http://LOCALHOST:5000/",  "http://127.0.0.1:5000/v2/",
        "http://127.9.8.7/",       "http://127.255.255.255/", "http://[::1]:5000/",
        "https://user@127.0.0.1/",
    };

    (void)state;
    no_proxy = NULL;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        assert_null(proxy_of(urls[i], upper));
    assert_non_null(proxy_of("http://localhost.example/", upper));
    assert_non_null(proxy_of("http://128.0.0.1/", upper));
    assert_non_null(proxy_of("http://126.0.0.1/", upper));
    assert_non_null(proxy_of("http://[::2]/", upper));
}

static void respects_no_proxy(void **state)
{
    static const struct {
        const char *list, *url;
        int excepted;
    } rows[] = {
        {"*", "https://r.example/", 1},
        {"r.example", "https://r.example/", 1},
        {"r.example", "https://a.r.example/", 1},
        {"r.example", "https://notr.example/", 0},
        {"R.Example", "https://a.r.EXAMPLE:5000/", 1},
        {".r.example", "https://r.example/", 0},
        {".r.example", "https://a.r.example/", 1},
        {"*.r.example", "https://a.r.example/", 1},
        {"r.example:5000", "https://r.example:5000/", 1},
        {"r.example:5000", "https://r.example/", 0},
        {"r.example:443", "https://r.example/", 1},
        {"r.example:80", "http://r.example/", 1},
        {"other,  r.example", "https://r.example/", 1},
        {"10.0.0.0/8", "http://10.200.3.4:5000/", 1},
        {"10.0.0.0/8", "http://11.0.0.1/", 0},
        {"10.0.0.0/8", "http://ten.example/", 0},
        {"10.1.2.3", "http://10.1.2.3/", 1},
        {"10.1.2.3:81", "http://10.1.2.3/", 0},
        {"fd00::/8", "http://[fd12::1]:5000/", 1},
        {"[fd12::1]:5000", "http://[fd12::1]:5000/", 1},
        {"[fd12::1]", "http://[fd12::1]/", 1},
        {"[fd12::1]:80", "http://[fd12::1]/", 1},
        {"[fd12::1]:81", "http://[fd12::1]/", 0},
        {"fd12::1", "http://[fd12::1]:5000/", 1},
        {"fd12::2", "http://[fd12::1]/", 0},
        {"[fd12::1", "http://[fd12::1]/", 0},
        {"10.1.2.3", "http://ten.example/", 0},
        {"r.example", "http://10.1.2.3/", 0},
        {"10.0.0.0/7", "http://11.0.0.1/", 1},
        {"10.0.0.0/0", "http://200.1.1.1/", 1},
        {"10.0.0.1/32", "http://10.0.0.1/", 1},
        {"10.0.0.0/32", "http://10.0.0.1/", 0},
        {"fd00::1/128", "http://[fd00::1]/", 1},
        {"fd00::/129", "http://[fd00::]/", 0},
        {"10.0.0.0/8x", "http://10.0.0.1/", 0},
        {"r.example\tother", "https://r.example/", 1},
        {".", "https://r.example/", 0},
        {"*.", "https://r.example/", 0},
        {"xr.example", "https://r.example/", 0},
        {"10.0.0.0/33", "http://10.0.0.1/", 0},
        {"10.0.0.0/", "http://10.0.0.1/", 0},
        {"/8", "http://10.0.0.1/", 0},
        {"", "http://10.0.0.1/", 0},
        {",", "http://10.0.0.1/", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        no_proxy = rows[i].list;
        if ((proxy_of(rows[i].url, upper) == NULL) != rows[i].excepted)
            fail_msg("%s with NO_PROXY=%s", rows[i].url, rows[i].list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses_the_proxy_by_scheme),
        cmocka_unit_test(uses_no_proxy_for_loopback),
        cmocka_unit_test(respects_no_proxy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
