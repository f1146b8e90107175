/* SPDX-License-Identifier: Apache-2.0 */
/* Which hosts a DNS name of a certificate covers. Go's VerifyHostname() filled the last column. */
#include "net/http/tls_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void covers_what_go_says(void **state)
{
    static const struct {
        const char *name, *host;
        bool want;
    } rows[] = {
        {"r.example", "r.example", true},
        {"R.Example", "r.EXAMPLE", true},
        {"r.example", "a.r.example", false},
        {"r.example", "r.example.", true},
        {"r.example.", "r.example", false},
        {"r.example.", "r.example.", true},
        {"r.example..", "r.example.", false},
        {"*.r.example", "a.r.example", true},
        {"*.r.example", "r.example", false},
        {"*.r.example", "a.b.r.example", false},
        {"*.r.example", ".r.example", false},
        {"*.r.example", "A.R.Example.", true},
        {"*.test", "registry.test", true},
        {"*.test", "test", false},
        {"*", "registry.test", false},
        {"*.", "test.", false},
        {"*.*.example", "a.b.example", false},
        {"a*.example", "ab.example", false},
        {"*a.example", "ba.example", false},
        {"a.*.example", "a.b.example", false},
        {"xn--*.example", "xn--a.example", false},
        {"_r.example", "_r.example", true},
        {"r_x.example", "r_x.example", true},
        {"-r.example", "-r.example", true},
        {"r-.example", "r-.example", true},
        {"r..example", "r..example", true},
        {"r example", "r example", true},
        {"", "r.example", false},
        {".", ".", false},
        {".r.example", "a.r.example", false},
        {".r.example", ".r.example", true},
        {"*.r.example", "*.r.example", true},
        {"r.example:443", "r.example", false},
        {"https://r.example", "r.example", false},
        {"localhost", "localhost", true},
        {"localhost", "LOCALHOST", true},
        {"registry", "registry", true},
        {"registry", "registry.", true},
        {"*.r.example", "-a.r.example", false},
        {"*.r.example", "a_b.r.example", true},
        {"1.2", "1.2", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (tls_name_covers(rows[i].name, strlen(rows[i].name), rows[i].host) != rows[i].want)
            fail_msg("%s for %s", rows[i].name, rows[i].host);
}

static void a_nul_ends_no_name(void **state)
{
    (void)state;
    assert_false(tls_name_covers("r.example\0.evil", 15, "r.example"));
    assert_false(tls_name_covers("*\0.example", 10, "r.example"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(covers_what_go_says),
        cmocka_unit_test(a_nul_ends_no_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
