/* SPDX-License-Identifier: Apache-2.0 */
/* Expectations come from RFC 3986, section 5, and from Go's net/url where that refuses. */
#include "net/http/http_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BASE        "http://h:5000/v2/a/b/blobs/uploads/?mount=x&from=/q/r"
#define FOLDER      "http://h:5000/v2/a/b/blobs/"
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void check(const char *base, const char *reference, const char *want)
{
    CLEANUP(buf_deinit) struct buf url = BUF_INIT(4096);
    struct error err = {ERROR_NONE};
    bool ok = http_url_resolve(base, reference, &url, &err);

    if (ok != (want != NULL))
        fail_msg("\"%s\": %s", reference, ok ? url.data : err.message);
    if (want)
        assert_string_equal(url.data, want);
    else
        assert_int_equal(err.code, ERROR_PROTOCOL);
}

static void resolves_references(void **state)
{
    static const struct {
        const char *reference, *want;
    } rows[] = {
        {"uuid", FOLDER "uploads/uuid"},
        {"./uuid", FOLDER "uploads/uuid"},
        {"uuid/", FOLDER "uploads/uuid/"},
        {"uuid?a=b/c", FOLDER "uploads/uuid?a=b/c"},
        {"uuid#f", FOLDER "uploads/uuid"},
        {"up/a:b", FOLDER "uploads/up/a:b"},
        {"?q=1", FOLDER "uploads/?q=1"},
        {"?a:b/../c", FOLDER "uploads/?a:b/../c"},
        {"#f", BASE},
        {".", FOLDER "uploads/"},
        {"./", FOLDER "uploads/"},
        {"..", FOLDER},
        {"../x", FOLDER "x"},
        {"../../../../../../../x", "http://h:5000/x"},
        {"a/../b/./c", FOLDER "uploads/b/c"},
        {"/x?y#z", "http://h:5000/x?y"},
        {"/a b", "http://h:5000/a%20b"},
        {"/a%20b?c=%2F&d=e+f", "http://h:5000/a%20b?c=%2F&d=e+f"},
        {"/a//b/./c/../d", "http://h:5000/a//b/d"},
        {"//other/x", "http://other/x"},
        {"//other:8/x?y", "http://other:8/x?y"},
        {"https://other/x#y", "https://other/x"},
        {"HTTP://other/x", "http://other/x"},
        {"http://other?q", "http://other/?q"},
        {"http://[::1]:5/x", "http://[::1]:5/x"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check(BASE, rows[i].reference, rows[i].want);
}

static void resolves_against_any_base(void **state)
{
    static const struct {
        const char *base, *reference, *want;
    } rows[] = {
        {"http://h", "x", "http://h/x"},
        {"http://h?q=/a/b", "x", "http://h/x"},
        {"http://h/a/b", "x", "http://h/a/x"},
        {"http://h/a/b", "?q", "http://h/a/b?q"},
        {"https://h/a/b?q", "//o/p", "https://o/p"},
        {"http://h/a?b#c/d", "x", "http://h/x"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check(rows[i].base, rows[i].reference, rows[i].want);
}

static void refuses_what_is_no_url(void **state)
{
    static const char *const rows[] = {
        "ftp://x/",
        "gopher://x/",
        "file:///etc/passwd",
        "mailto:x",
        "http:x",
        "http:/x",
        "http:///x",
        "///x",
        "//",
        "http://",
        "https://?q",
        "http://h:99999/x",
        "http://[::1/x",
        "http://ho st/",
        "/a\tb",
        "http://h:x/",
        "127.0.0.1:5000/x",
        "h:5000/x",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check(BASE, rows[i], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolves_references),
        cmocka_unit_test(resolves_against_any_base),
        cmocka_unit_test(refuses_what_is_no_url),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
