/* SPDX-License-Identifier: Apache-2.0 */
/* The format of log lines. */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char line[32768];
static int kept = -1, ends[2];

/* Redirects stderr into a pipe. */
static void capture(void)
{
    assert_int_equal(pipe(ends), 0);
    kept = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
}

/* Ends capture() and reads `line`. Returns it from `from` on. */
static const char *captured(const char *from)
{
    ssize_t n;
    const char *found;

    dup2(kept, STDERR_FILENO);
    close(kept);
    n = read(ends[0], line, sizeof(line) - 1);
    close(ends[0]);
    line[n > 0 ? n : 0] = '\0';
    found = strstr(line, from);
    return found ? found : line;
}

static int reset(void **state)
{
    (void)state;
    log_set_level(LOG_INFO);
    log_set_prober_level(LOG_INFO);
    log_set_format(LOG_LOGFMT);
    return 0;
}

static void writes_lines_like_prometheus(void **state)
{
    (void)state;
    capture();
    log_warn("it \"hurts\" %d", 7);
    assert_string_equal(captured("Z "),
                        "Z level=WARN source=test_log.c:55 msg=\"it \\\"hurts\\\" 7\"\n");
    assert_int_equal(strncmp(line, "time=2", 6), 0);
    assert_int_equal(strstr(line, "Z ") - line, strlen("time=2026-11-22T00:00:00.000"));
}

static void quotes_values_only_if_needed(void **state)
{
    (void)state;
    capture();
    log_with(LOG_INFO,
             LOG_PAIRS("address", "[::]:10048", "empty", "", "words", "a b", "sign", "a=b", "quote",
                       "a\"b", "lines", "a\nb", "broken", "\xff"),
             "Listening on");
    assert_string_equal(captured("msg="), "msg=\"Listening on\" address=[::]:10048 empty=\"\" "
                                          "words=\"a b\" sign=\"a=b\" quote=\"a\\\"b\" "
                                          "lines=\"a b\" broken=\"\xef\xbf\xbd\"\n");
}

static void writes_json_with_the_same_keys(void **state)
{
    (void)state;
    log_set_format(LOG_JSON);
    capture();
    log_with(LOG_ERROR, LOG_PAIRS("run", "00ff", "path", "C:\\x"), "no");
    assert_string_equal(captured("\"level\""),
                        "\"level\":\"ERROR\",\"source\":\"test_log.c:80\",\"msg\":\"no\","
                        "\"run\":\"00ff\",\"path\":\"C:\\\\x\"}\n");
    assert_int_equal(strncmp(line, "{\"time\":\"2", 10), 0);
}

static void probes_have_their_own_level(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    log_set_prober_level(LOG_DEBUG);
    capture();
    log_warn("not this");
    log_prober(LOG_DEBUG, LOG_PAIRS("run", "1"), "this");
    log_set_level(LOG_DEBUG);
    log_set_prober_level(LOG_WARN);
    log_prober(LOG_INFO, NULL, "nor this");
    log_debug("and this");
    captured("");
    assert_null(strstr(line, "not this"));
    assert_null(strstr(line, "nor this"));
    assert_non_null(strstr(line, "msg=\"this\" run=1\n"));
    assert_non_null(strstr(line, "msg=\"and this\"\n"));
}

static void truncates_long_texts(void **state)
{
    char text[5000];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    capture();
    log_with(LOG_INFO, LOG_PAIRS("a", text, "b", "end"), "%s", text);
    captured("");
    assert_true(strlen(line) < 3000);
    assert_non_null(strstr(line, "xxx b=end\n"));
}

static void knows_the_names_of_levels_and_formats(void **state)
{
    enum log_level level;
    enum log_format format;

    (void)state;
    for (int i = 0; log_level_names[i]; i++) {
        assert_true(log_level_parse(log_level_names[i], &level));
        assert_int_equal(level, i);
    }
    assert_false(log_level_parse("INFO", &level) || log_level_parse("", &level));
    assert_true(log_format_parse("json", &format) && format == LOG_JSON);
    assert_true(log_format_parse("logfmt", &format) && format == LOG_LOGFMT);
    assert_false(log_format_parse("xml", &format));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(writes_lines_like_prometheus, reset),
        cmocka_unit_test_setup(quotes_values_only_if_needed, reset),
        cmocka_unit_test_setup(writes_json_with_the_same_keys, reset),
        cmocka_unit_test_setup(probes_have_their_own_level, reset),
        cmocka_unit_test_setup(truncates_long_texts, reset),
        cmocka_unit_test(knows_the_names_of_levels_and_formats),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
