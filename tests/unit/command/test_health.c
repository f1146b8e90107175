/* SPDX-License-Identifier: Apache-2.0 */
/* The command `health` against servers in the test; its words are in tests/e2e/web/test_health.py.
 */
#include "command/command.h"
#include "support/fake_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGS_MAX 6

/* Runs `health` with the words of the formatted line. */
__attribute__((format(printf, 1, 2))) static int health(const char *fmt, ...)
{
    char name[] = "health", line[300], *rest = line, *argv[ARGS_MAX + 1] = {name};
    int argc = 1;
    va_list args;

    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    while (rest && *rest && argc < ARGS_MAX)
        argv[argc++] = strsep(&rest, " ");
    return command_find("health")->run(argc, argv);
}

static void takes_answers_of_a_working_server(void **state)
{
    static const struct {
        const char *status;
        int want;
    } rows[] = {
        {"200 OK", EXIT_SUCCESS},
        {"401 Unauthorized", EXIT_SUCCESS},
        {"429 Too Many Requests", EXIT_SUCCESS},
        {"404 Not Found", EXIT_FAILURE},
        {"500 Internal Server Error", EXIT_FAILURE},
        {"302 Found", EXIT_FAILURE},
        {NULL, EXIT_FAILURE}, /* no answer */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {
            {"GET /-/healthy ", NULL, 0, rows[i].status, "", "", 0, 0, FAKE_CLOSE}, {0}};
        struct fake_http fake;

        fake_start(&fake, rules);
        assert_int_equal(health("--web.listen-address=%s", fake.host), rows[i].want);
        fake_stop(&fake);
    }
}

static void asks_each_address_below_the_prefix(void **state)
{
    static const struct fake_rule rules[] = {
        {"GET /p/-/healthy ", NULL, 0, "200 OK", "", "", 0, 0, FAKE_CLOSE}, {0}};
    char path[40] = "/tmp/test_health.XXXXXX";
    struct fake_http tcp, local;

    (void)state;
    assert_non_null(mkdtemp(path));
    strcat(path, "/s");
    fake_start(&tcp, rules);
    fake_start_unix(&local, rules, path);
    assert_int_equal(health("--web.listen-address=%s --web.listen-address=unix://%s "
                            "--web.route-prefix=p",
                            tcp.host, path),
                     EXIT_SUCCESS);
    assert_int_equal(fake_requests(&tcp), 1);
    assert_int_equal(fake_requests(&local), 1);
    assert_int_equal(
        health("--web.listen-address=%s --web.external-url=http://x/p/", strchr(tcp.host, ':')),
        EXIT_SUCCESS);
    assert_int_equal(health("--web.listen-address=%s", tcp.host), EXIT_FAILURE);
    fake_stop(&local);
    unlink(path);
    assert_int_equal(health("--web.listen-address=%s --web.listen-address=unix://%s "
                            "--web.route-prefix=p",
                            tcp.host, path),
                     EXIT_FAILURE);
    fake_stop(&tcp);
    *strrchr(path, '/') = '\0';
    rmdir(path);
}

static void gives_up_after_the_timeout(void **state)
{
    static const struct fake_rule rules[] = {{"GET ", NULL, 0, NULL, "", "", 0, 0, FAKE_HANG}, {0}};
    struct fake_http fake;

    (void)state;
    fake_start(&fake, rules);
    assert_int_equal(health("--web.listen-address=%s --timeout=100ms", fake.host), EXIT_FAILURE);
    fake_stop(&fake);
}

/* The exporter runs on this machine, so that no proxy is asked. */
static void uses_no_proxy(void **state)
{
    static const struct fake_rule rules[] = {{"GET ", NULL, 0, "200 OK", "", "", 0, 0, FAKE_CLOSE},
                                             {0}};
    struct fake_http proxy;
    char url[64];

    (void)state;
    fake_start(&proxy, rules);
    snprintf(url, sizeof(url), "http://%s", proxy.host);
    setenv("HTTP_PROXY", url, 1);
    assert_int_equal(health("--web.listen-address=exporter.invalid:10048"), EXIT_FAILURE);
    assert_int_equal(fake_requests(&proxy), 0);
    unsetenv("HTTP_PROXY");
    fake_stop(&proxy);
}

static void rejects_mistakes_of_the_command_line(void **state)
{
    (void)state;
    assert_int_equal(health("--timeout=0s"), EXIT_FAILURE);
    assert_int_equal(health("--timeout=soon"), EXIT_FAILURE);
    assert_int_equal(health("--web.listen-address=x"), EXIT_FAILURE);
    assert_int_equal(health("--web.route-prefix=a?b"), EXIT_FAILURE);
    assert_int_equal(health("--web.config.file=/nonexistent"), EXIT_FAILURE);
    assert_int_equal(health("word"), EXIT_FAILURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_answers_of_a_working_server),
        cmocka_unit_test(asks_each_address_below_the_prefix),
        cmocka_unit_test(gives_up_after_the_timeout),
        cmocka_unit_test(uses_no_proxy),
        cmocka_unit_test(rejects_mistakes_of_the_command_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
