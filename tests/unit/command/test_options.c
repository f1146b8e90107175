/* SPDX-License-Identifier: Apache-2.0 */
/* The flags of the exporter: defaults, values, limits. */
#include "command/options.h"

#include "base/clock.h"
#include "collector/catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct options options;

/* Parses one or two flags; NULL leaves one out. */
static bool parse(const char *first, const char *second, struct error *err)
{
    const char *argv[] = {"containerd_exporter", first, second, NULL};

    *err = (struct error){0};
    return options_parse(&options, 1 + !!first + (first && second), (char **)argv, err);
}

static size_t index_of(const char *name)
{
    size_t i = 0;

    while (catalog[i] && strcmp(catalog[i]->name, name) != 0)
        i++;
    return i;
}

static void has_defaults(void **state)
{
    struct error err;

    (void)state;
    assert_true(parse(NULL, NULL, &err));
    assert_null(options.config_file);
    assert_null(options.web_config_file);
    assert_false(options.config_check || options.collectors_off || options.systemd_socket ||
                 options.no_exporter_metrics || options.created_lines || options.openmetrics_2);
    assert_false(options.help || options.version || options.manual || options.bash || options.zsh);
    assert_true(options.native_histograms);
    assert_true(options.auto_reload_ns == 0);
    assert_int_equal(options.addresses.count, 1);
    assert_string_equal(options.addresses.items[0], ":10048");
    assert_string_equal(options.telemetry_path, "/metrics");
    assert_string_equal(options.route_prefix, "");
    assert_int_equal(options.max_requests, 40);
    assert_true(options.timeout_offset_ns == NS_PER_SECOND / 2);
    assert_int_equal(options.probe_workers, 4);
    assert_int_equal(options.history_limit, 100);
    assert_true(options.probe_spread_ns == 30 * NS_PER_SECOND);
    assert_int_equal(options.log_level, LOG_INFO);
    assert_int_equal(options.log_prober, LOG_INFO);
    assert_int_equal(options.log_format, LOG_LOGFMT);
    for (size_t i = 0; i < COLLECTORS_MAX; i++)
        assert_int_equal(options.collectors[i], CONFIG_DEFAULT);
}

static void takes_values(void **state)
{
    struct error err;

    (void)state;
    assert_true(parse("--config.file=f", "--config.check", &err));
    assert_string_equal(options.config_file, "f");
    assert_true(options.config_check);
    assert_true(parse("--web.listen-address=:1", "--web.listen-address=:2", &err));
    assert_int_equal(options.addresses.count, 2);
    assert_string_equal(options.addresses.items[1], ":2");
    assert_true(parse("--log.level=debug", "--log.prober=error", &err));
    assert_int_equal(options.log_level, LOG_DEBUG);
    assert_int_equal(options.log_prober, LOG_ERROR);
    assert_true(parse("--log.format=json", "--probe.spread=0s", &err));
    assert_int_equal(options.log_format, LOG_JSON);
    assert_true(options.probe_spread_ns == 0);
    assert_true(parse("--collector.disable-defaults", "--no-metrics.native-histograms", &err));
    assert_true(options.collectors_off && !options.native_histograms);
}

static void reloads_only_if_enabled(void **state)
{
    struct error err;

    (void)state;
    assert_true(parse("--config.auto-reload-interval=1s", NULL, &err));
    assert_true(options.auto_reload_ns == 0);
    assert_true(parse("--config.auto-reload-interval=1s", "--config.enable-auto-reload", &err));
    assert_true(options.auto_reload_ns == NS_PER_SECOND);
    assert_true(parse("--config.enable-auto-reload", NULL, &err));
    assert_true(options.auto_reload_ns == 30 * NS_PER_SECOND);
}

static void switches_collectors(void **state)
{
    struct error err;

    (void)state;
    assert_true(parse("--collector.images", "--no-collector.cri", &err));
    for (size_t i = 0; i < COLLECTORS_MAX; i++)
        assert_int_equal(options.collectors[i], i == index_of("images") ? CONFIG_ON
                                                : i == index_of("cri")  ? CONFIG_OFF
                                                                        : CONFIG_DEFAULT);
    assert_false(parse("--collector.pull", NULL, &err)); /* an operation of probes */
}

static void reads_seconds(void **state)
{
    static const struct {
        const char *flag;
        int64_t ns; /* negative: rejected */
    } rows[] = {
        {"--timeout-offset=0", 0},
        {"--timeout-offset=2", 2 * NS_PER_SECOND},
        {"--timeout-offset=0.25", NS_PER_SECOND / 4},
        {"--timeout-offset=1.000000001", NS_PER_SECOND + 1},
        {"--timeout-offset=60", 60 * NS_PER_SECOND},
        {"--timeout-offset=61", -1},
        {"--timeout-offset=1.", -1},
        {"--timeout-offset=.5", -1},
        {"--timeout-offset=1x", -1},
        {"--timeout-offset=1./", -1},
        {"--timeout-offset=1.:", -1},
        {"--timeout-offset=0.0x", -1},
        {"--timeout-offset=-1", -1},
        {"--timeout-offset=000000002", 2 * NS_PER_SECOND},
        {"--timeout-offset=0000000002", -1},
        {"--timeout-offset=60.1", -1},
        {"--timeout-offset=", -1},
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (parse(rows[i].flag, NULL, &err) != (rows[i].ns >= 0))
            fail_msg("%s: %s", rows[i].flag, err.message);
        if (rows[i].ns >= 0)
            assert_true(options.timeout_offset_ns == rows[i].ns);
        else
            assert_non_null(strstr(err.message, "--timeout-offset: "));
    }
}

static void accepts_the_ends_of_ranges(void **state)
{
    static const char *const flags[] = {
        "--probe.workers=1",     "--probe.workers=32",   "--history.limit=1",
        "--history.limit=10000", "--web.max-requests=0", "--web.telemetry-path=/",
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(flags); i++)
        if (!parse(flags[i], NULL, &err))
            fail_msg("%s: %s", flags[i], err.message);
}

static void rejects_what_is_out_of_range(void **state)
{
    static const char *const rows[][2] = {
        {"--probe.workers=0", "--probe.workers must be 1 to 32"},
        {"--probe.workers=33", "--probe.workers must be 1 to 32"},
        {"--history.limit=0", "--history.limit must be 1 to 10000"},
        {"--history.limit=10001", "--history.limit must be 1 to 10000"},
        {"--config.auto-reload-interval=999ms",
         "--config.auto-reload-interval must be at least 1s"},
        {"--config.auto-reload-interval=soon", "--config.auto-reload-interval: "},
        {"--probe.spread=soon", "--probe.spread: "},
        {"--timeout-offset=61",
         "--timeout-offset: invalid value \"61\": must be at most 60 seconds"},
        {"--web.telemetry-path=metrics",
         "--web.telemetry-path: invalid path \"metrics\": expected a path that begins with /"},
        {"--web.external-url=host/x",
         "--web.external-url: invalid URL \"host/x\": expected http://host/path"},
        {"--web.route-prefix=a?b",
         "--web.route-prefix: invalid path \"a?b\": expected a path without query and escapes"},
        {"word", "unexpected argument \"word\", try --help"},
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_false(parse(rows[i][0], NULL, &err));
        if (strncmp(err.message, rows[i][1], strlen(rows[i][1])) != 0)
            fail_msg("%s: %s", rows[i][0], err.message);
        assert_int_equal(err.code, ERROR_INVALID);
    }
}

static void route_prefix_defaults_to_the_path_of_the_url(void **state)
{
    struct error err;

    (void)state;
    assert_true(parse("--web.external-url=http://h/a/", NULL, &err));
    assert_string_equal(options.route_prefix, "/a");
    assert_true(parse("--web.external-url=http://h/a/", "--web.route-prefix=/", &err));
    assert_string_equal(options.route_prefix, "");
    assert_true(parse("--web.route-prefix=b", NULL, &err));
    assert_string_equal(options.route_prefix, "/b");
}

static void find_flags(void *arg, const struct flag *flags)
{
    for (; flags->name; flags++) {
        ((size_t *)arg)[0] += strncmp(flags->name, "collector.", strlen("collector.")) == 0;
        ((size_t *)arg)[1] += flags->help && strstr(flags->help, " Off by default.");
    }
}

static void table_has_a_flag_for_each_collector(void **state)
{
    size_t found[2] = {0}, collectors = 0, opt_in = 0;

    (void)state;
    for (size_t i = 0; catalog[i]; i++) {
        collectors += catalog[i]->lane != LANE_PROBE;
        opt_in += catalog[i]->opt_in && catalog[i]->lane != LANE_PROBE;
    }
    options_flags(find_flags, found);
    assert_int_equal(found[0], collectors + 1); /* and --collector.disable-defaults */
    assert_int_equal(found[1], opt_in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_defaults),
        cmocka_unit_test(takes_values),
        cmocka_unit_test(reloads_only_if_enabled),
        cmocka_unit_test(switches_collectors),
        cmocka_unit_test(reads_seconds),
        cmocka_unit_test(accepts_the_ends_of_ranges),
        cmocka_unit_test(rejects_what_is_out_of_range),
        cmocka_unit_test(route_prefix_defaults_to_the_path_of_the_url),
        cmocka_unit_test(table_has_a_flag_for_each_collector),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
