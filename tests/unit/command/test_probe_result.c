/* SPDX-License-Identifier: Apache-2.0 */
/* The result of a run, as text and as JSON. */
#include "command/terminal/probe_result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct run_record record(void)
{
    return (struct run_record){.id = "0123456789abcdef",
                               .probe = "hub",
                               .operation = "pull",
                               .engine = "client",
                               .registry = "r.io",
                               .image = "r.io/x:1",
                               .host = "mirror.io",
                               .digest = "sha256:a",
                               .start = 1770000000.5,
                               .seconds = 1.25,
                               .message = "",
                               .warning = "",
                               .phases = {{"resolve", 0.5}, {"fetch", -1}, {"unpack", 0}},
                               .n_phases = 3,
                               .fetched_bytes = 2048,
                               .uploaded_bytes = 0,
                               .cached_bytes = 1024,
                               .declared_bytes = 3072,
                               .log = ""};
}

static void text_shows_a_success(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(10000);
    struct run_record run = record();

    (void)state;
    run.slow = true;
    run.warning = "left\nbehind";
    run_text(&run, &out);
    assert_string_equal(
        out.data, "hub: ok in 1.250 s, slow\n"
                  "  what      pull r.io/x:1 by client\n"
                  "  host      mirror.io\n"
                  "  digest    sha256:a\n"
                  "  phases    resolve         0.500 s\n"
                  "            unpack          0.000 s\n"
                  "  bytes     2.0 KiB fetched, 1.0 KiB already present, 3.0 KiB declared by\n"
                  "            manifests\n"
                  "  warning   left behind\n"
                  "  run       0123456789abcdef\n");
}

static void text_explains_a_failure(void **state)
{
    static const char want[] = "hub: FAILED after 1.250 s, reason not_found\n"
                               "  what      pull r.io/x:1\n"
                               "  message   no tag\n"
                               "  meaning   ";
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(10000);
    struct run_record run = record();

    (void)state;
    run.reason = ERROR_NOT_FOUND;
    run.message = "no tag";
    run.engine = run.host = run.digest = "";
    run.fetched_bytes = run.cached_bytes = run.declared_bytes = run.n_phases = 0;
    run_text(&run, &out);
    assert_true(strncmp(out.data, want, strlen(want)) == 0);
    assert_non_null(strstr(out.data, "\n  to do     "));
    assert_null(strstr(out.data, "bytes"));
}

static void json_has_all_members(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(10000);
    struct run_record run = record();

    (void)state;
    run_json(&run, &out);
    assert_string_equal(
        out.data,
        "{\"probe\":\"hub\",\"operation\":\"pull\",\"engine\":\"client\",\"registry\":\"r.io\","
        "\"image\":\"r.io/x:1\",\"host\":\"mirror.io\",\"digest\":\"sha256:a\","
        "\"run\":\"0123456789abcdef\",\"success\":true,\"reason\":\"\",\"message\":\"\","
        "\"warning\":\"\",\"slow\":false,\"start\":1770000000.500,\"seconds\":1.250000,"
        "\"phases\":{\"resolve\":0.500000,\"unpack\":0.000000},\"bytes\":{\"fetched\":2048,"
        "\"uploaded\":0,\"cached\":1024,\"declared\":3072}}\n");
    buf_clear(&out);
    run.reason = ERROR_TLS;
    run.message = "\"\x1b\n";
    run.slow = true;
    run_json(&run, &out);
    assert_non_null(strstr(out.data, "\"success\":false,\"reason\":\"tls\",\"message\":\"\\\""));
    assert_non_null(strstr(out.data, "\"slow\":true"));
    assert_null(strchr(out.data, '\x1b'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_shows_a_success),
        cmocka_unit_test(text_explains_a_failure),
        cmocka_unit_test(json_has_all_members),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
