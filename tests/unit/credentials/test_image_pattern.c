/* SPDX-License-Identifier: Apache-2.0 */
/* Which images belong to a credential provider: the examples of the kubelet's documentation, and
 * the traps in them. */
#include "credentials/image_pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void matches_like_the_kubelet(void **state)
{
    static const struct {
        const char *pattern, *image;
        bool want;
    } rows[] = {
        {"registry.example", "registry.example/name", true},
        {"registry.example", "registry.example.org/name", false},
        {"registry.example", "other.example/name", false},
        {"123456789.dkr.ecr.us-east-1.amazonaws.com",
         "123456789.dkr.ecr.us-east-1.amazonaws.com/name", true},
        {"*.dkr.ecr.*.amazonaws.com", "1.dkr.ecr.us-east-1.amazonaws.com/a/b", true},
        {"*.dkr.ecr.*.amazonaws.com", "1.dkr.ecr.us-east-1.amazonaws.com.cn/a/b", false},
        /* one part each, and as many of them */
        {"*.registry.io", "a.registry.io/x", true},
        {"*.registry.io", "a.b.registry.io/x", false},
        {"*.registry.io", "registry.io/x", false},
        {"*.*.registry.io", "a.b.registry.io/x", true},
        {"*", "localhost/x", true},
        {"*", "registry.io/x", false},
        /* within a part */
        {"app*.k8s.io", "app-one.k8s.io/x", true},
        {"app*.k8s.io", "app.k8s.io/x", true},
        {"*a*b*.io", "xxaxaxbx.io/x", true},
        {"*a*b*.io", "xxbxaxx.io/x", false},
        {"*aab.io", "aaab.io/x", true},
        {"*aab.io", "aaabc.io/x", false},
        {"**", "localhost", true},
        {"k8s.*", "k8s.io/x", true},
        /* ports */
        {"registry.io:8080", "registry.io:8080/path", true},
        {"registry.io:8080", "registry.io:8081/path", false},
        {"registry.io:8080", "registry.io/path", false},
        {"registry.io", "registry.io:8080/path", false},
        {"registry.io:*", "registry.io:8080/path", false},
        {"*.io:8080", "registry.io:8080/path", true},
        {"[::1]:5000", "[::1]:5000/x", true},
        {"[::1]:5000", "[::1]:5001/x", false},
        {"[::1]", "[::1]:5000/x", false},
        {"[::1]", "[::1]/x", true},
        /* paths */
        {"registry.io:8080/path", "registry.io:8080/path/name", true},
        {"registry.io/path", "registry.io/pathology/name", true},
        {"registry.io/path/", "registry.io/pathology/name", false},
        {"registry.io/", "registry.io/x", true},
        {"registry.io/", "registry.io", false},
        {"registry.io/path", "registry.io/pat", false},
        {"registry.io/*", "registry.io/x", false},
        {"registry.io/x?y", "registry.io/x", true},
        {"registry.io#z", "registry.io/x", true},
        /* nonsense */
        {"", "registry.io/x", false},
        {".", "registry.io/x", false},
        {"*.", "registry.io/x", false},
        {"registry.io.", "registry.io/x", false},
        {":", "registry.io/x", false},
        {"REGISTRY.io", "registry.io/x", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (image_pattern_matches(rows[i].pattern, rows[i].image) != rows[i].want)
            fail_msg("%s and %s", rows[i].pattern, rows[i].image);
}

static void matches_many_stars_in_linear_time(void **state)
{
    char pattern[2001], image[5001];

    (void)state;
    for (size_t i = 0; i < 1000; i++)
        memcpy(pattern + 2 * i, "*a", 2);
    pattern[2000] = '\0';
    memset(image, 'a', 5000);
    image[5000] = '\0';
    image[4999] = 'b';
    assert_false(image_pattern_matches(pattern, image)); /* would last for ages if it went back */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_like_the_kubelet),
        cmocka_unit_test(matches_many_stars_in_linear_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
