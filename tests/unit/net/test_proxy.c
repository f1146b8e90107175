/* SPDX-License-Identifier: Apache-2.0 */
/* Which proxy a URL goes through, as Go's programs read the environment. Go's httpproxy filled the
 * columns of results. */
#include "net/http/proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char *no_proxy, *http_proxy;

static const char *upper(const char *name)
{
    if (strcmp(name, "HTTP_PROXY") == 0)
        return http_proxy;
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

/* "http user:password@host:port?", "?" for a URL that is misread; "" for no proxy. */
static void show(const struct proxy *proxy, char *out, size_t size)
{
    static const char *const schemes[] = {"", "http", "https", "socks5"};

    out[0] = '\0';
    if (proxy->scheme != PROXY_NONE)
        snprintf(out, size, "%s %s%s%s%s%s:%u%s", schemes[proxy->scheme], secret_text(&proxy->user),
                 proxy->has_user ? ":" : "", secret_text(&proxy->password),
                 proxy->has_user ? "@" : "", proxy->host, proxy->port,
                 proxy->is_misread ? "?" : "");
}

static void assert_proxy(const char *url, proxy_variable *variable, const char *want)
{
    struct error err;
    struct proxy proxy;
    char got[512];

    assert_true(proxy_of(url, variable, &proxy, &err));
    show(&proxy, got, sizeof(got));
    proxy_deinit(&proxy);
    if (strcmp(got, want) != 0)
        fail_msg("%s, HTTP_PROXY=%s, NO_PROXY=%s: %s instead of %s", url, http_proxy,
                 no_proxy ? no_proxy : "", got, want);
}

static void chooses_the_proxy_by_scheme(void **state)
{
    (void)state;
    no_proxy = NULL;
    http_proxy = "http://plain.proxy:3128";
    assert_proxy("http://r.example/v2/", upper, "http plain.proxy:3128");
    assert_proxy("https://r.example/v2/", upper, "http tls.proxy:3128");
    assert_proxy("http://r.example/v2/", lower, "http plain.proxy:80");
    assert_proxy("https://r.example/v2/", lower, "");
    assert_proxy("r.example/v2/", upper, "");
    http_proxy = "";
    assert_proxy("http://r.example/v2/", upper, "");
}

static void parses_the_url_of_a_proxy_as_go_does(void **state)
{
    static const char *const rows[][2] = {
        {"http://svc:Secr#t@127.0.0.1:3128", "http http:80?"},
        {"http://svc:Secr/t@127.0.0.1:3128", "http http:80?"},
        {"http://svc:Secr?t@127.0.0.1:3128", "http http:80?"},
        {"http://svc:p@ss@127.0.0.1:3128", "http svc:p@ss@127.0.0.1:3128"},
        {"http://svc:50%@127.0.0.1:3128", ""},
        {"http://svc:50%25@127.0.0.1:3128", "http svc:50%@127.0.0.1:3128"},
        {"http://svc:a%20b@127.0.0.1:3128", "http svc:a b@127.0.0.1:3128"},
        {"http://svc:a b@127.0.0.1:3128", "http http:80?"},
        {"http://svc:a[b@127.0.0.1:3128", "http http:80?"},
        {"http://svc:123/x@127.0.0.1:3128", "http svc:123?"},
        {"http://svc@127.0.0.1:3128", "http svc:@127.0.0.1:3128"},
        {"http://:pw@127.0.0.1:3128", "http :pw@127.0.0.1:3128"},
        {"http://@127.0.0.1:3128", "http :@127.0.0.1:3128"},
        {"http://a:b:c@127.0.0.1:3128", "http a:b:c@127.0.0.1:3128"},
        {"http://proxy.example:99999", "http proxy.example:0"},
        {"http://proxy.example:31x28", "http http:80?"},
        {"http://proxy.example:", "http proxy.example:80"},
        {"http://proxy.example", "http proxy.example:80"},
        {"https://proxy.example", "https proxy.example:443"},
        {"socks5://proxy.example", "socks5 proxy.example:1080"},
        {"socks5h://proxy.example", "socks5 proxy.example:1080"},
        {"socks4://proxy.example", "http socks4:80?"},
        {"SOCKS5://proxy.example", "socks5 proxy.example:1080"},
        {"HTTP://Proxy.Example", "http Proxy.Example:80"},
        {"ftp://proxy.example:21", "http ftp:80?"},
        {"proxy.example", "http proxy.example:80"},
        {"proxy.example:3128", "http proxy.example:3128"},
        {"proxy:3128", "http proxy:3128"},
        {"proxy:3128x", "http :0?"},
        {"svc:pw@proxy:3128", "http svc:pw@proxy:3128"},
        {"127.0.0.1:3128", "http 127.0.0.1:3128"},
        {"[::1]:3128", "http ::1:3128"},
        {"http://[::1]:3128", "http ::1:3128"},
        {"http://[::1]", "http ::1:80"},
        {"http://[::1:3128", "http http:80?"},
        {"http://::1:3128", "http ::1:3128"},
        {"http://proxy:3128/", "http proxy:3128"},
        {"http://proxy:3128/path@x", "http proxy:3128?"},
        {"http://proxy:3128/%zz", ""},
        {"http://proxy:3128/#%zz", ""},
        {"http://proxy:3128?x#y", "http proxy:3128"},
        {" http://proxy:3128", ""},
        {"http://proxy:3128 ", "http http:80?"},
        {"http://pro xy:3128", "http http:80?"},
        {"http://", "http localhost:80"},
        {"http:///", "http localhost:80"},
        {"http:proxy:3128", "http localhost:80"},
        {":3128", "http localhost:3128"},
        {"/proxy", "http localhost:80"},
        {"//proxy:3128", "http localhost:80"},
        {"///proxy:3128", "http localhost:80"},
        {"://proxy", "http localhost:80?"},
        {"1http://proxy:3128", "http 1http:80?"},
        {"http://proxy%20x:3128", "http http:80?"},
        {"http://proxy%2ex:3128", "http http:80?"},
        {"http://proxy\\x:3128", "http http:80?"},
        {"http://pröxy:3128", "http pröxy:3128"},
        {"http://svc:pä@proxy:3128", "http http:80?"},
        {"*", "http *:80"},
        {"direct", "http direct:80"},
        {"\thttp://proxy:3128", ""},
        {"http://proxy:3128\n", ""},
        {"http://[fe80::1%25eth0]:3128", "http fe80::1%eth0:3128"},
        {"http://svc:%zz@proxy", ""},
        {"http://svc:\"x\"@proxy", "http http:80?"},
    };

    (void)state;
    no_proxy = NULL;
    for (size_t i = 0; i < COUNT(rows); i++) {
        http_proxy = rows[i][0];
        assert_proxy("http://r.example/", upper, rows[i][1]);
    }
}

/* A warning at the start: these are mistakes, and their use is Go's. */
static void finds_mistakes_of_the_environment(void **state)
{
    static const struct {
        const char *value;
        bool valid;
    } rows[] = {
        {"", true},
        {"proxy", true},
        {"http://svc:p%23@proxy:3128/", true},
        {"socks5://proxy", true},
        {"http://svc:Secr#t@proxy:3128", false},
        {"http://svc:Secr%t@proxy:3128", false},
        {"http://proxy:99999", false},
        {"ftp://proxy", false},
        {" proxy", false},
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        http_proxy = rows[i].value;
        if (proxy_check(upper, &err) != rows[i].valid)
            fail_msg("%s", rows[i].value);
        if (rows[i].valid)
            continue;
        assert_non_null(strstr(err.message, "HTTP_PROXY"));
        assert_null(strstr(err.message, "Secr"));
    }
}

static void fails_for_a_proxy_that_is_too_long(void **state)
{
    static char host[400], url[70000];
    struct proxy proxy;
    struct error err;

    (void)state;
    memset(host, 'a', sizeof(host) - 1);
    http_proxy = host;
    assert_false(proxy_of("http://r.example/", upper, &proxy, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_null(strstr(err.message, "aaa"));
    proxy_deinit(&proxy);
    memset(url, ' ', sizeof(url) - 1);
    http_proxy = url;
    assert_false(proxy_of("http://r.example/", upper, &proxy, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    proxy_deinit(&proxy);
}

/* "-": without NO_PROXY. */
static void respects_no_proxy_as_go_does(void **state)
{
    static const struct {
        const char *list, *url;
        bool direct;
    } rows[] = {
        {"*", "https://r.example/", true},
        {"r.example", "https://r.example/", true},
        {"r.example", "https://a.r.example/", true},
        {"r.example", "https://notr.example/", false},
        {"R.Example", "https://a.r.EXAMPLE:5000/", true},
        {".r.example", "https://r.example/", false},
        {".r.example", "https://a.r.example/", true},
        {"*.r.example", "https://r.example/", false},
        {"*.r.example", "https://a.r.example/", true},
        {"*.r.example", "https://a.b.r.example/", true},
        {"*r.example", "https://notr.example/", false},
        {"*r.example", "https://r.example/", false},
        {"*test", "https://registry.test/", false},
        {"*test", "https://test/", false},
        {"*.", "https://r.example/", false},
        {".", "https://r.example/", false},
        {".", "https://r.example./", true},
        {"r.example", "https://r.example./", false},
        {"r.example.", "https://r.example/", false},
        {"r.example.", "https://r.example./", true},
        {"..r.example", "https://a.r.example/", false},
        {"*.*.example", "https://a.r.example/", false},
        {"r.*", "https://r.example/", false},
        {"r.example:5000", "https://r.example:5000/", true},
        {"r.example:5000", "https://r.example/", false},
        {"r.example:443", "https://r.example/", true},
        {"r.example:80", "http://r.example/", true},
        {"r.example:443", "http://r.example/", false},
        {"r.example:0443", "https://r.example/", false},
        {"r.example:https", "https://r.example/", false},
        {"r.example:", "https://r.example:5000/", true},
        {".r.example:5000", "https://a.r.example:5000/", true},
        {"*.r.example:5000", "https://a.r.example:5001/", false},
        {"*:5000", "https://r.example:5000/", false},
        {"http://r.example", "http://r.example/", false},
        {"https://r.example:443", "https://r.example/", false},
        {"r.example/v2", "https://r.example/", false},
        {"other,r.example", "https://r.example/", true},
        {"other,  r.example", "https://r.example/", true},
        {"other,\tr.example\t", "https://r.example/", true},
        {" r.example ", "https://r.example/", true},
        {"other r.example", "https://r.example/", false},
        {"other\tr.example", "https://r.example/", false},
        {"r.example other", "https://r.example/", false},
        {"r.example;other", "https://r.example/", false},
        {",,r.example,,", "https://r.example/", true},
        {"other,*", "https://r.example/", true},
        {"other, * ", "https://r.example/", true},
        {"* other", "https://r.example/", false},
        {"**", "https://r.example/", false},
        {"", "https://r.example/", false},
        {",", "https://r.example/", false},
        {"r.example\n", "https://r.example/", true},
        {"10.0.0.0/8", "http://10.200.3.4:5000/", true},
        {"10.0.0.0/8", "http://11.0.0.1/", false},
        {"10.0.0.0/8", "http://ten.example/", false},
        {"10.0.0.7/8", "http://10.200.3.4/", true},
        {"10.0.0.0/7", "http://11.0.0.1/", true},
        {"10.0.0.0/08", "http://10.1.1.1/", true},
        {"10.0.0.0/0", "http://200.1.1.1/", true},
        {"0.0.0.0/0", "http://[fd00::1]/", false},
        {"::/0", "http://10.1.2.3/", false},
        {"::/0", "http://[fd00::1]/", true},
        {"::ffff:10.0.0.0/104", "http://10.1.2.3/", true},
        {"::ffff:10.0.0.0/64", "http://10.1.2.3/", false},
        {"::ffff:10.0.0.0/64", "http://[::1:1]/", true},
        {"10.0.0.1/32", "http://10.0.0.1/", true},
        {"10.0.0.0/32", "http://10.0.0.1/", false},
        {"10.0.0.0/33", "http://10.0.0.1/", false},
        {"10.0.0.0/", "http://10.0.0.1/", false},
        {"10.0.0.0/8x", "http://10.0.0.1/", false},
        {"10.0.0.0/-8", "http://10.0.0.1/", false},
        {"10.0.0.0/+8", "http://10.0.0.1/", false},
        {"10.0.0.0/8:80", "http://10.0.0.1/", false},
        {"10.0.0/8", "http://10.0.0.1/", false},
        {"10/8", "http://10.0.0.1/", false},
        {"010.0.0.0/8", "http://10.0.0.1/", false},
        {"/8", "http://10.0.0.1/", false},
        {"10.1.2.3", "http://10.1.2.3/", true},
        {"10.1.2.3", "http://10.1.2.3:5000/", true},
        {"10.1.2.3:80", "http://10.1.2.3/", true},
        {"10.1.2.3:81", "http://10.1.2.3/", false},
        {"10.1.2.3:", "http://10.1.2.3/", true},
        {"010.1.2.3", "http://10.1.2.3/", false},
        {"10.1.2.*", "http://10.1.2.3/", false},
        {"10.1.2.", "http://10.1.2.3/", false},
        {"10.1.2", "http://10.1.2.3/", false},
        {"1.2.3", "http://10.1.2.3/", true},
        {".2.3", "http://10.1.2.3/", true},
        {"3", "http://10.1.2.3/", true},
        {"2.3:80", "http://10.1.2.3/", true},
        {"10.1.2.3", "http://ten.example/", false},
        {"10.1.2.3", "http://[::ffff:10.1.2.3]/", true},
        {"::ffff:10.1.2.3", "http://10.1.2.3/", true},
        {"r.example", "http://10.1.2.3/", false},
        {"fd00::/8", "http://[fd12::1]:5000/", true},
        {"fd00::1/128", "http://[fd00::1]/", true},
        {"fd00::/129", "http://[fd00::]/", false},
        {"fd00::/8", "http://10.0.0.1/", false},
        {"[fd00::]/8", "http://[fd12::1]/", false},
        {"fd12::1", "http://[fd12::1]:5000/", true},
        {"fd12::2", "http://[fd12::1]/", false},
        {"FD12::1", "http://[fd12::1]/", true},
        {"fd12:0::1", "http://[fd12::1]/", true},
        {"[fd12::1]", "http://[fd12::1]/", false},
        {"[fd12::1]:80", "http://[fd12::1]/", true},
        {"[fd12::1]:81", "http://[fd12::1]/", false},
        {"[fd12::1]:", "http://[fd12::1]/", true},
        {"[fd12::1", "http://[fd12::1]/", false},
        {"fd12::1]", "http://[fd12::1]/", false},
        {"fd12::1:80", "http://[fd12::1]/", false},
        {"[10.1.2.3]:80", "http://10.1.2.3/", true},
        {"[10.1.2.3]", "http://10.1.2.3/", false},
        {"[r.example]:80", "http://r.example/", true},
        {"a[r.example:80", "http://r.example/", false},
        {"[*]:80", "http://r.example/", false},
        {":80", "http://r.example/", false},
        {".:80", "http://r.example./", true},
        {"localhost", "http://localhost/", true},
        {"-", "http://localhost:5000/", true},
        {"-", "http://LOCALHOST:5000/", false},
        {"-", "http://localhost./", false},
        {"-", "http://a.localhost/", false},
        {"localhost", "http://LOCALHOST:5000/", true},
        {"-", "http://localhost.example/", false},
        {"-", "http://127.0.0.1:5000/v2/", true},
        {"-", "http://127.9.8.7/", true},
        {"-", "http://127.255.255.255/", true},
        {"-", "http://128.0.0.1/", false},
        {"-", "http://126.0.0.1/", false},
        {"-", "http://0.0.0.0/", false},
        {"-", "http://[::1]:5000/", true},
        {"-", "http://[::2]/", false},
        {"-", "http://[::ffff:127.0.0.1]/", true},
        {"-", "http://[::]/", false},
        {"-", "http://127.1/", false},
        {"-", "http://user@127.0.0.1/", true},
        {"-", "https://user@[::1]/", true},
        {"-", "ftp://r.example/", true},
    };

    (void)state;
    http_proxy = "http://tls.proxy:3128";
    for (size_t i = 0; i < COUNT(rows); i++) {
        no_proxy = strcmp(rows[i].list, "-") == 0 ? NULL : rows[i].list;
        assert_proxy(rows[i].url, upper, rows[i].direct ? "" : "http tls.proxy:3128");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses_the_proxy_by_scheme),
        cmocka_unit_test(parses_the_url_of_a_proxy_as_go_does),
        cmocka_unit_test(finds_mistakes_of_the_environment),
        cmocka_unit_test(fails_for_a_proxy_that_is_too_long),
        cmocka_unit_test(respects_no_proxy_as_go_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
