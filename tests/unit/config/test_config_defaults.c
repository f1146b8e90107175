/* SPDX-License-Identifier: Apache-2.0 */
/* `defaults:` of probes, and probes with `enabled: false`. */
#include "support/config_fixture.h"

#include "base/clock.h"

#include <string.h>

static const char defaults_text[] =
    "registries:\n"
    "  r.io: {auth: {username: them, password: p}}\n"
    "defaults:\n"
    "  interval: 10m\n"
    "  retry_interval: 0s\n"
    "  pull: {timeout: 30s, slow: 5s, labels: {team: platform, tier: one}}\n"
    "  push: {schedule: '@daily', content: {size: 2.5kB}}\n"
    "probes:\n"
    "  - {name: plain, operation: pull, image: r.io/x}\n"
    "  - {name: own, operation: pull, image: r.io/x, interval: 1w, slow: 1m, labels: {tier: two}}\n"
    "  - {name: timed, operation: pull, image: r.io/x, schedule: '@hourly'}\n"
    "  - {name: pushed, operation: push, image: r.io/x}\n"
    "  - {name: often, operation: push, image: r.io/x, interval: 3m, content: {}}\n";

static void probes_take_what_they_lack(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;
    const struct probe *plain;

    (void)state;
    parse_good(&f, defaults_text);
    plain = job(&f, "plain")->state;
    assert_int_equal(job(&f, "plain")->interval_ns, 600 * NS_PER_SECOND);
    assert_int_equal(job(&f, "plain")->timeout_ns, 30 * NS_PER_SECOND);
    assert_int_equal(job(&f, "plain")->retry_ns, 0);
    assert_int_equal(plain->slow_ns, 5 * NS_PER_SECOND);
    assert_string_equal(plain->username, "them");
    assert_int_equal(plain->labels.count, 2);
    assert_int_equal(job(&f, "pushed")->timeout_ns, 120 * NS_PER_SECOND);
    assert_int_equal(((const struct probe *)job(&f, "pushed")->state)->size, 2500);
    assert_int_equal(((const struct probe *)job(&f, "often")->state)->size, 2500);
}

static void a_key_of_the_probe_wins(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;
    const struct probe *own;

    (void)state;
    parse_good(&f, defaults_text);
    own = job(&f, "own")->state;
    assert_int_equal(job(&f, "own")->interval_ns, 7 * 86400 * NS_PER_SECOND);
    assert_int_equal(own->slow_ns, 60 * NS_PER_SECOND);
    assert_int_equal(own->labels.count, 2);
    assert_string_equal(own->labels.names[0], "tier");
    assert_string_equal(own->labels.values[0], "two");
    assert_string_equal(own->labels.names[1], "team");
}

/* An operation's schedule replaces the interval of all operations, and a probe's replaces both. */
static void an_interval_and_a_schedule_replace_each_other(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    parse_good(&f, defaults_text);
    assert_string_equal(job(&f, "timed")->schedule, "@hourly");
    assert_string_equal(job(&f, "pushed")->schedule, "@daily");
    assert_string_equal(job(&f, "often")->schedule, "");
    assert_int_equal(job(&f, "often")->interval_ns, 180 * NS_PER_SECOND);
}

/* The fixture's registries have `auth`, and so have its probes of operation pull. */
static void a_registry_stands_between_probe_and_defaults(void **state)
{
    static const char text[] =
        "registries: {r.io: {auth: {username: registry, password: p}}}\n"
        "defaults: {pull: {auth: {username: all}}}\n"
        "probes:\n"
        "- {name: a, operation: pull, image: r.io/x}\n"
        "- {name: b, operation: pull, image: r.io/x, auth: {username: own}}\n"
        "- {name: c, operation: pull, image: other/x, auth: {password: q}}\n";
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    parse_good(&f, text);
    assert_string_equal(((const struct probe *)job(&f, "a")->state)->username, "registry");
    assert_string_equal(((const struct probe *)job(&f, "b")->state)->username, "own");
    assert_string_equal(((const struct probe *)job(&f, "c")->state)->username, "all");
}

static void a_change_of_defaults_changes_the_jobs(void **state)
{
    static const char *const texts[] = {
        PROBE "}",
        "defaults: {}\n" PROBE "}",
        "defaults: {interval: 9m}\n" PROBE "}",
        "defaults: {interval: 8m}\n" PROBE "}",
        "defaults: {push: {interval: 8m}}\n" PROBE "}",
        PROBE "interval: 8m}",
    };
    static const bool same_as_first[] = {true, true, false, false, true, false};
    char first[100] = "";

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        CLEANUP(fixture_deinit) struct fixture f;

        parse_good(&f, texts[i]);
        if (i == 0)
            strcpy(first, job(&f, "a")->fingerprint);
        assert_int_equal(strcmp(first, job(&f, "a")->fingerprint) == 0, same_as_first[i]);
    }
}

/* `want`: how the mistakes start after "f:"; the whole text, if it ends with a newline. */
static const struct {
    const char *text, *want;
} bad[] = {
    {"defaults: []", "1:11: \"defaults\": expected a mapping, found a list\n"},
    {"defaults: {intervall: 5m}", "1:12: unknown key \"intervall\" (did you mean \"interval\"?)\n"},
    {"defaults: {name: x}", "1:12: unknown key \"name\" (known: enabled, interval, schedule"},
    {"defaults: {image: r/x}",
     "1:12: \"image\" is not allowed in \"defaults\": expected in an entry of \"probes\"\n"},
    {"defaults: {cold: no}", "1:12: \"cold\" is a setting of some operations: expected below the "
                             "name of an operation\n"},
    {"defaults: {pull: {image: r/x}}", "1:19: unknown key \"image\" (known: enabled"},
    {"defaults: {pull: []}", "1:18: \"pull\": expected a mapping, found a list\n"},
    {"defaults: {push: {cold: no}}", "1:19: unknown key \"cold\""},
    {"defaults: {pull: {cold: perhaps}}", "1:25: \"cold\": expected one of required, preferred"},
    {"defaults: {interval: 0s}", "1:22: \"interval\": \"0s\" is out of range"},
    {"defaults: {enabled: 1}", "1:21: \"enabled\": expected true or false, found \"1\"\n"},
    {"defaults: {interval: 5m, schedule: '@daily'}", "1:26: both \"interval\" and \"schedule\""},
    {"defaults: {interval: soon}\n" PROBE "}", "1:22: \"interval\": \"soon\" is not a duration"},
    {"defaults: {zzz: 1}\n" PROBE "}", "1:12: unknown key \"zzz\" (known: enabled"},
    {"defaults: {timeout: 1s, pull: {timeout: x}}\n" PROBE "}", "1:41: \"timeout\": \"x\" is not"},
    {"defaults: {pull: {slow: 1s}}\n" PROBE "}", "3:3: nothing fits\n"},
};

static void every_mistake_is_told_once_at_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        CLEANUP(fixture_deinit) struct fixture f;
        const char *want = bad[i].want, *line;

        parse(&f, bad[i].text);
        line = f.problems.data ? f.problems.data : "";
        if (strncmp(line, "f:", 2) != 0 || strncmp(line + 2, want, strlen(want)) != 0 ||
            strchr(line, '\n')[1])
            fail_msg("%s\n%s", bad[i].text, line);
    }
}

/* ---- enabled: false ---- */

static void a_disabled_probe_is_no_job(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    parse_good(&f, "probes:\n"
                   "- {name: a, operation: pull, image: r/x, enabled: false}\n"
                   "- {name: b, operation: pull, image: r/x, enabled: true}\n");
    assert_int_equal(f.config.n_disabled, 1);
    assert_string_equal(f.config.disabled.data, "a\n");
    assert_string_equal(job(&f, "b")->name, "b");
    for (size_t i = 0; i < f.config.n_jobs; i++)
        assert_string_not_equal(f.config.jobs[i].name, "a");
    assert_non_null(strstr(f.config.disabled_dump.data,
                           "  - name: a\n    operation: pull\n    enabled: false\n"));
}

static void defaults_may_disable_all_probes(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    parse_good(&f, "defaults: {enabled: false}\n"
                   "probes:\n"
                   "- {name: a, operation: pull, image: r/x}\n"
                   "- {name: b, operation: pull, image: r/x, enabled: true}\n");
    assert_int_equal(f.config.n_disabled, 1);
    assert_string_equal(job(&f, "b")->name, "b");
}

static void a_disabled_probe_is_checked(void **state)
{
    static const char *const texts[] = {
        PROBE "enabled: false, colt: no}",
        PROBE "enabled: false, slow: 1s}",
        PROBE "enabled: false, interval: 1ms}",
        PROBE "enabled: false}\n- {name: a, operation: pull, image: r/y}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        CLEANUP(fixture_deinit) struct fixture f;

        parse(&f, texts[i]);
        assert_false(f.ok);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probes_take_what_they_lack),
        cmocka_unit_test(a_key_of_the_probe_wins),
        cmocka_unit_test(an_interval_and_a_schedule_replace_each_other),
        cmocka_unit_test(a_registry_stands_between_probe_and_defaults),
        cmocka_unit_test(a_change_of_defaults_changes_the_jobs),
        cmocka_unit_test(every_mistake_is_told_once_at_its_place),
        cmocka_unit_test(a_disabled_probe_is_no_job),
        cmocka_unit_test(defaults_may_disable_all_probes),
        cmocka_unit_test(a_disabled_probe_is_checked),
    };

    return cmocka_run_group_tests(tests, set_environment, NULL);
}
