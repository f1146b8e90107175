/* SPDX-License-Identifier: Apache-2.0 */
/* Files with mistakes: every mistake is reported at its place, all of them at once. */
#include "support/config_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `want`: how `problems` starts after "f:"; the whole text, if it ends with a newline. */
static const struct {
    const char *text, *want;
} bad[] = {
    /* the top level */
    {"probe: []", "1:1: unknown key \"probe\" (did you mean \"probes\"?)\n"},
    {"a: 1\nfoo: 2", "1:1: unknown key \"a\" (known: containerd, output, collectors, registries, "
                     "defaults, probes, kubernetes)\nf:2:1: unknown key \"foo\" (known:"},
    {"'': 1", "1:1: unknown key \"\" (known: containerd"},
    {"- a", "1:1: expected a mapping, found a list\n"},
    {"\n\nhello", "3:1: expected a mapping, found a string\n"},
    {"${NOT_SET_ANYWHERE}", "1:1: environment variable \"NOT_SET_ANYWHERE\" is not set\n"},
    {"collectors: [images]", "1:13: \"collectors\": expected a mapping, found a list\n"},
    {"collectors: x", "1:13: \"collectors\": expected a mapping, found a string\n"},
    {"registries: []", "1:13: \"registries\": expected a mapping, found a list\n"},
    {"probes: {}", "1:9: \"probes\": expected a list, found a mapping\n"},
    {"probes: 'x'", "1:9: \"probes\": expected a list, found a string\n"},
    {"probes: \"\"", "1:9: \"probes\": expected a list, found a string\n"},
    {"probes: []\nprobes: []", "2:1: duplicate key \"probes\", first at line 1\n"},
    {"a: [", "2:1: found the end of the file inside of a list or mapping: expected \"]\" or "
             "\"}\"\n"},
    {"output: {}\n---\noutput: {}", "3:1: second settings document (the first is at line 1): "
                                    "expected kind Canary\n"},
    /* global sections */
    {"containerd: x", "1:13: \"containerd\": expected a mapping, found a string\n"},
    {"containerd: []", "1:13: \"containerd\": expected a mapping, found a list\n"},
    {"containerd: {adress: x}", "1:14: unknown key \"adress\" (did you mean \"address\"?)\n"},
    {"containerd: {zzz: x}", "1:14: unknown key \"zzz\" (known: address)\n"},
    {"containerd: {address: [x]}", "1:23: \"address\": expected a string, found a list\n"},
    {"containerd: {address: {}}", "1:23: \"address\": expected a string, found a mapping\n"},
    {"containerd:\n  address:\n", "2:11: \"address\": expected a string, found nothing\n"},
    {"containerd: {address: bad}\nprobe: 1", "1:23: \"address\": unusable\nf:2:1: unknown key"},
    {"containerd:\n  address: worse", "1:1: no use\n"},
    {"containerd: {address: *x}", "1:23: unknown anchor \"x\""},
    {"output: {verbose: \"true\"}",
     "1:19: \"verbose\": expected true or false, found the string \"true\"\n"},
    {"output: {verbose: yes}", "1:19: \"verbose\": expected true or false, found \"yes\"\n"},
    {"output: {verbose: True}", "1:19: \"verbose\": expected true or false, found \"True\"\n"},
    {"output: {verbose: 1}", "1:19: \"verbose\": expected true or false, found \"1\"\n"},
    {"output: {verbose: []}", "1:19: \"verbose\": expected true or false, found a list\n"},
    {"output: {verbose: }", "1:19: \"verbose\": expected true or false, found nothing\n"},
    /* collectors */
    {"collectors:\n  imags: {}", "2:3: unknown collector \"imags\" (did you mean \"images\"?)\n"},
    {"collectors: {zebra: 1}", "1:14: unknown collector \"zebra\" (known: images, docker, self)\n"},
    {"collectors: {pull: {}}",
     "1:14: \"pull\" is a probe operation: expected under \"probes\", not \"collectors\"\n"},
    {"collectors: {images: 5}", "1:22: \"images\": expected a mapping, found a string\n"},
    {"collectors: {images: {intervall: 5s}}",
     "1:23: unknown key \"intervall\" (did you mean \"interval\"?)\n"},
    {"collectors: {images: {interval: 0s}}",
     "1:33: \"interval\": \"0s\" is out of range: expected 1s to 366d\n"},
    {"collectors: {images: {interval: 999ms}}",
     "1:33: \"interval\": \"999ms\" is out of range: expected 1s to 366d\n"},
    {"collectors: {images: {interval: 367d}}",
     "1:33: \"interval\": \"367d\" is out of range: expected 1s to 366d\n"},
    {"collectors: {images: {interval: 5}}",
     "1:33: \"interval\": \"5\" has no unit: expected a duration such as 5s or 5m\n"},
    {"collectors: {images: {timeout: 0s}}",
     "1:32: \"timeout\": \"0s\" is out of range: expected more than 0s, at most 366d\n"},
    {"collectors: {images: {timeout: 367d}}",
     "1:32: \"timeout\": \"367d\" is out of range: expected more than 0s, at most 366d\n"},
    {"collectors: {images: {timeout: -1s}}", "1:32: \"timeout\": \"-1s\" is not a duration"},
    {"collectors: {images: {timeout: 99999999999d}}", "1:32: \"timeout\": \"99999999999d\" is too"},
    {"collectors: {images: {enabled: 'false'}}",
     "1:32: \"enabled\": expected true or false, found the string \"false\"\n"},
    {"collectors: {images: {enabled: false, seris: all}}",
     "1:39: unknown key \"seris\" (did you mean \"series\"?)\n"},
    {"collectors: {images: {enabled: false, series: al}}", "1:47: \"series\": expected one of"},
    {"collectors: {images: {series: some}}",
     "1:31: \"series\": expected one of none, not_complete, all, found \"some\"\n"},
    {"collectors: {images: {series: [all]}}",
     "1:31: \"series\": expected one word, found a list\n"},
    {"collectors: {images: {max_series: -5}}",
     "1:35: \"max_series\": \"-5\" is not a whole number such as 0 or 42\n"},
    {"collectors: {images: {max_series: 5k}}",
     "1:35: \"max_series\": \"5k\" is not a whole number"},
    {"collectors: {images: {namespaces: a}}",
     "1:35: \"namespaces\": expected a list of strings, found a string\n"},
    {"collectors: {images: {namespaces: {a: b}}}",
     "1:35: \"namespaces\": expected a list of strings, found a mapping\n"},
    {"collectors: {images: {namespaces: [a, [b]]}}",
     "1:39: \"namespaces\": expected a string, found a list\n"},
    {"collectors: {images: {namespaces: [a, ~]}}",
     "1:39: \"namespaces\": expected a string, found nothing\n"},
    {"collectors: {images: {labels: [a]}}",
     "1:31: \"labels\": expected a mapping of strings, found a list\n"},
    {"collectors: {images: {labels: {a: {}}}}",
     "1:35: \"labels\": expected a string, found a mapping\n"},
    {"collectors: {images: {labels: {a: }}}",
     "1:35: \"labels\": expected a string, found nothing\n"},
    {"collectors: {images: {labels: {a: b, a: c}}}", "1:38: duplicate key \"a\""},
    {"collectors: {self: {interval: 5s}}", "1:21: unknown key \"interval\" (known: enabled)\n"},
    {"collectors: {self: {timeout: 5s}}", "1:21: unknown key \"timeout\" (known: enabled)\n"},
    {"\ncollectors:\n  docker:\n    enabled: true",
     "3:3: \"address\" is missing: Socket of Docker.\n"},
    {"collectors: {docker: {enabled: true, address: ''}}",
     "1:47: \"address\": expected a non-empty string, found \"\"\n"},
    /* registries */
    {"registries: {r: []}", "1:17: \"r\": expected a mapping, found a list\n"},
    {"registries: {'': {}}", "1:14: empty registry name: expected HOST[:PORT] or \"*\"\n"},
    {"registries: {bad: {}}", "1:14: \"bad\": invalid host\n"},
    {"registries: {r: {plain: true}}",
     "1:18: unknown key \"plain\" (did you mean \"plain_http\"?)\n"},
    {"registries: {r: {auth: {user: x}}}",
     "1:25: unknown key \"user\" (did you mean \"username\"?)\n"},
    {"registries: {r: {auth: x}}", "1:24: \"auth\": expected a mapping, found a string\n"},
    {"registries: {r: {plain_http: 1}}", "1:30: \"plain_http\": expected true or false"},
    {"registries: {r: {max_bytes_per_hour: 1GIB}}", "1:38: \"max_bytes_per_hour\": \"1GIB\" is"},
    {"registries: {r: {}, r: {}}", "1:21: duplicate key \"r\", first at line 1\n"},
    {"registries: {r: {plain_http: x}}\n" PROBE "}",
     "1:30: \"plain_http\": expected true or false, found \"x\"\n"},
    {"registries: {r: {auth: {username: u}}}\n" PROBE "}",
     "1:35: \"auth.username\": needs a password\n"},
    /* probes */
    {"probes:\n- x", "2:3: expected a mapping, found a string\n"},
    {"probes:\n- [x]", "2:3: expected a mapping, found a list\n"},
    {"probes:\n-", "2:2: \"name\" is missing: Name of the probe"},
    {"probes:\n- {name: a}", "2:3: \"operation\" is missing: Operation of the probe.\n"},
    {"probes:\n- operation: pull\n  image: r/x", "2:3: \"name\" is missing: Name of"},
    {"probes:\n- {name: a, operation: images}",
     "2:24: \"operation\": expected one of pull, push, found \"images\"\n"},
    {"probes:\n- {name: a, operation: []}", "2:24: \"operation\": expected one word, found a list"},
    {"probes:\n- {name: a, operation: pull}",
     "2:3: \"image\" is missing: Reference of the image.\n"},
    {"probes:\n- {name: a, operation: pull, imagee: r/x}",
     "2:3: \"image\" is missing: Reference of the image.\n"
     "f:2:30: unknown key \"imagee\" (did you mean \"image\"?)\n"},
    {"probes:\n- {name: '', operation: pull, image: r/x}",
     "2:10: \"name\": expected a non-empty string, found \"\"\n"},
    {"probes:\n- {name: a b, operation: pull, image: r/x}",
     "2:10: \"name\": invalid probe name \"a b\": "},
    {"probes:\n- {name: a., operation: pull, image: r/x}",
     "2:10: \"name\": invalid probe name \"a.\": "},
    {"probes:\n- {name: -a, operation: pull, image: r/x}",
     "2:10: \"name\": invalid probe name \"-a\": "},
    {"probes:\n- {name: a--b, operation: pull, image: r/x}",
     "2:10: \"name\": invalid probe name \"a--b\": "},
    {"probes:\n- {name: a/b, operation: pull, image: r/x}",
     "2:10: \"name\": invalid probe name \"a/b\": "},
    {"probes:\n- {name: \xc3\xa9, operation: pull, image: r/x}",
     "2:10: \"name\": invalid probe name \"\xc3\xa9\": "},
    {"probes:\n- {name: a23456789012345678901234567890123456789012345678901, operation: pull, "
     "image: r/x}",
     "2:10: \"name\": invalid probe name \"a23456789012345678901234567890123456789012345678901\": "
     "expected at most 50"},
    {PROBE "}\n- {name: a, operation: push, image: r/x}",
     "3:10: \"name\": duplicate probe name \"a\": first used at line 2\n"},
    {PROBE "interval: 366d1ms}", "2:52: \"interval\": \"366d1ms\" is out of range"},
    {PROBE "interval: 0s}", "2:52: \"interval\": \"0s\" is out of range: expected 1s to 366d\n"},
    {PROBE "timeout: 0s}",
     "2:51: \"timeout\": \"0s\" is out of range: expected more than 0s, at most 366d\n"},
    {PROBE "timeout: [1s]}", "2:51: \"timeout\": expected a duration such as 90s or 5m, found a"},
    {PROBE "enable: true}", "2:42: unknown key \"enable\" (did you mean \"enabled\"?)\n"},
    {PROBE "auth: {usernam: x}}", "2:49: unknown key \"usernam\" (did you mean \"username\"?)\n"},
    {PROBE "auth: []}", "2:48: \"auth\": expected a mapping, found a list\n"},
    {PROBE "auth: {user.name: x}}",
     "2:49: unknown key \"user.name\" (did you mean \"username\"?)\n"},
    {PROBE "auth.username: x}", "2:42: unknown key \"auth.username\" (did you mean \"auth\"?)\n"},
    {PROBE "plain_http: true}", "2:42: unknown key \"plain_http\" (known:"},
    {PROBE "expected: {size: 1.5}}",
     "2:59: \"expected.size\": \"1.5\" has no unit: expected a size such as 1.5MiB or"},
    {PROBE "expected: {size: {a: 1}}}", "2:59: \"expected.size\": expected a size such as 64KiB"},
    {PROBE "content: {size: 1}}", "2:42: unknown key \"content\" (known:"},
    {PROBE "auth: {username: u}}", "2:59: \"auth.username\": needs a password\n"},
    {PROBE "slow: 1s}", "2:3: nothing fits\n"},
    {"probes:\n- {name: a, operation: pull, image: x}", "2:37: \"image\": no registry in \"x\"\n"},
    /* when probes run */
    {PROBE "schedule: '* * * *'}", "2:52: \"schedule\": found 4 fields: expected minute, hour, day "
                                   "of month, month, day of week\n"},
    {PROBE "schedule: '0 25 * * *'}",
     "2:52: \"schedule\": invalid hour \"25\": expected a value, range or step from 0 to 23\n"},
    {PROBE "schedule: '0 0 30 2 *'}",
     "2:52: \"schedule\": \"0 0 30 2 *\" never matches: expected a day that the month has\n"},
    {PROBE "schedule: ''}", "2:52: \"schedule\": found 0 fields: expected"},
    {PROBE "schedule: 5m}", "2:52: \"schedule\": found 1 field: expected"},
    {PROBE "schedule: '@reboot'}",
     "2:52: \"schedule\": unknown shorthand \"@reboot\": expected @every"},
    {PROBE "schedule: '@every soon'}",
     "2:52: \"schedule\": \"soon\" is not a duration such as 90s, 5m or 1h30m\n"},
    {PROBE "schedule: '@every 999ms'}",
     "2:52: \"schedule\": \"@every 999ms\" is out of range: expected 1s to 366d\n"},
    {PROBE "schedule: '@every 367d'}",
     "2:52: \"schedule\": \"@every 367d\" is out of range: expected 1s to 366d\n"},
    {PROBE "schedule: []}", "2:52: \"schedule\": expected a string, found a list\n"},
    {PROBE "interval: 5m, schedule: '@daily'}",
     "2:56: both \"interval\" and \"schedule\" are set: expected only one\n"},
    {PROBE "retry_interval: 10ms}", "2:58: \"retry_interval\": \"10ms\" is out of range: expected "
                                    "0s (no retries) or 1s to 366d\n"},
    {PROBE "retry_interval: 400d}", "2:58: \"retry_interval\": \"400d\" is out of range: expected "
                                    "0s (no retries) or 1s to 366d\n"},
    {PROBE "retry_interval: never}", "2:58: \"retry_interval\": \"never\" is not a duration"},
    {"collectors: {images: {schedule: '@daily'}}", "1:23: unknown key \"schedule\" (known:"},
    /* limits of registries */
    {"registries: {r: {max_concurrent: -1}}", "1:34: \"max_concurrent\": \"-1\" is not a whole"},
    {"registries: {r: {max_concurent: 1}}",
     "1:18: unknown key \"max_concurent\" (did you mean \"max_concurrent\"?)\n"},
    {"registries: {r: {max_concurrent: x}}\n" PROBE "}",
     "1:34: \"max_concurrent\": \"x\" is not a whole number such as 0 or 42\n"},
    {"registries: {'*': {plain: true}}", "1:20: unknown key \"plain\" (did you mean"},
    {"registries: {'*': {auth: {username: u}}}\n" PROBE "}",
     "1:37: \"auth.username\": needs a password\n"},
    {PROBE "max_concurrent: 1}", "2:42: unknown key \"max_concurrent\" (known:"},
    /* keys of a probe whose operation is unknown */
    {"probes:\n- {name: a, operatoin: pull, imgae: r/x, intervall: 5m, cold: x}",
     "2:3: \"operation\" is missing: Operation of the probe.\n"
     "f:2:13: unknown key \"operatoin\" (did you mean \"operation\"?)\n"
     "f:2:30: unknown key \"imgae\" (did you mean \"image\"?)\n"
     "f:2:42: unknown key \"intervall\" (did you mean \"interval\"?)\n"},
    {"probes:\n- {nmae: a, operation: fly, auth: {usrname: x}}",
     "2:3: \"name\" is missing: Name of the probe, the label of its metrics.\n"
     "f:2:4: unknown key \"nmae\" (did you mean \"name\"?)\n"
     "f:2:24: \"operation\": expected one of pull, push, found \"fly\"\n"
     "f:2:36: unknown key \"usrname\" (did you mean \"username\"?)\n"},
    {"probes:\n- {name: a, operation: pull, imgae: r/x}",
     "2:3: \"image\" is missing: Reference of the image.\nf:2:30: unknown key \"imgae\" (did you "
     "mean "
     "\"image\"?)\n"},
    /* aliases and merge keys */
    {"probes:\n- &a {name: a, operation: pull, image: r/x, cold: x}\n- {<<: *a, name: b}",
     "2:51: \"cold\": expected one of required, preferred, no, found \"x\"\n"},
    {"probes:\n- {<<: &a {imgae: r/x}, name: a, operation: pull}",
     "2:3: \"image\" is missing: Reference of the image.\nf:2:12: unknown key \"imgae\" (did you "
     "mean "
     "\"image\"?)\n"},
    {"registries: {r: &r {plain_http: true}}\nprobes:\n- {name: a, operation: pull, image: r/x, "
     "labels: *r}\n- {name: a, operation: pull, image: r/y, auth: *r}",
     "1:21: unknown key \"plain_http\" (known: username, password) (used by the alias at line 4)\n"
     "f:4:10: \"name\": duplicate probe name \"a\": first used at line 3\n"},
    /* variables */
    {"containerd: {address: 'a${CONFIG_NOT_SET}'}",
     "1:23: environment variable \"CONFIG_NOT_SET\" is not set\n"},
    {"containerd: {address: '${'}",
     "1:23: found \"${\" without \"}\": expected ${NAME}, or $${ for a literal ${\n"},
    {"containerd: {address: 'a${abc'}", "1:23: found \"${\" without \"}\": expected"},
    {"containerd: {address: '${}'}", "1:23: invalid variable \"${}\": expected ${NAME}"},
    {"containerd: {address: '${1X}'}", "1:23: invalid variable \"${1X}\": expected ${NAME}"},
    {"containerd: {address: '${CONFIG_NOT_SET}${CONFIG_NOT_SET_2}'}",
     "1:23: environment variable \"CONFIG_NOT_SET\" is not set\n"
     "f:1:23: environment variable \"CONFIG_NOT_SET_2\" is not set\n"},
    {"containerd: {address: '${A-b}'}", "1:23: invalid variable \"${A-b}\": expected ${NAME}"},
    {"containerd: {address: '${CONFIG_BINARY}'}",
     "1:23: environment variable \"CONFIG_BINARY\" is invalid: expected UTF-8\n"},
    {"collectors:\n  docker: {enabled: true, address: \"${CONFIG_EMPTY}\"}",
     "2:36: \"address\": expected a non-empty string, found \"\"\n"},
    {"probes:\n- {name: a, operation: pull, image: '${CONFIG_NOT_SET}'}",
     "2:37: environment variable \"CONFIG_NOT_SET\" is not set\n"},
};

static bool matches(const char *got, const char *want)
{
    size_t size = strlen(want);

    return want[size - 1] == '\n' ? strcmp(got, want) == 0 : strncmp(got, want, size) == 0;
}

static void every_mistake_has_its_place(void **state)
{
    size_t n_wrong = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        CLEANUP(fixture_deinit) struct fixture f;
        const char *got;
        char want[512];

        parse(&f, bad[i].text);
        snprintf(want, sizeof(want), "f:%s", bad[i].want);
        got = f.ok ? "no mistake\n" : f.problems.data;
        if (!matches(got, want)) {
            print_error("for\n%s\ngot\n%swant\n%s\n", bad[i].text, got, want);
            n_wrong++;
        }
        assert_true(f.ok || (f.err.code == ERROR_INVALID && !f.config.jobs));
    }
    assert_int_equal(n_wrong, 0);
}

static void all_mistakes_of_a_file_are_reported_at_once(void **state)
{
    static const char text[] = "containerd: {addres: x}\n"
                               "probes:\n"
                               "- name: a\n"
                               "  operation: pull\n"
                               "  interval: soon\n"
                               "  image: *alias\n"
                               "  cold: maybe\n"
                               "- name: a\n"
                               "  operation: fly\n"
                               "  timeout: 0s\n"
                               "collectors:\n"
                               "  images: {interval: 1ms, max_series: x, what: 1}\n"
                               "  image: {}\n"
                               "registries:\n"
                               "  r.io: {plain_http: '${CONFIG_NOT_SET}', auth: 5}\n"
                               "extra: 1\n";
    static const char want[] =
        "f:1:14: unknown key \"addres\" (did you mean \"address\"?)\n"
        "f:5:13: \"interval\": \"soon\" is not a duration such as 90s, 5m or 1h30m\n"
        "f:6:10: unknown anchor \"alias\": expected &alias before this alias\n"
        "f:7:9: \"cold\": expected one of required, preferred, no, found \"maybe\"\n"
        "f:8:9: \"name\": duplicate probe name \"a\": first used at line 3\n"
        "f:9:14: \"operation\": expected one of pull, push, found \"fly\"\n"
        "f:10:12: \"timeout\": \"0s\" is out of range: expected more than 0s, at most 366d\n"
        "f:12:22: \"interval\": \"1ms\" is out of range: expected 1s to 366d\n"
        "f:12:39: \"max_series\": \"x\" is not a whole number such as 0 or 42\n"
        "f:12:42: unknown key \"what\" (known: enabled, interval, timeout, series, max_series, "
        "namespaces, ignored, labels)\n"
        "f:13:3: unknown collector \"image\" (did you mean \"images\"?)\n"
        "f:15:22: environment variable \"CONFIG_NOT_SET\" is not set\n"
        "f:15:49: \"auth\": expected a mapping, found a string\n"
        "f:16:1: unknown key \"extra\" (known: containerd, output, collectors, registries, "
        "defaults, probes, kubernetes)\n";
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    parse(&f, text);
    assert_string_equal(f.problems.data, want);
    assert_string_equal(f.err.message, "14 mistakes in f");
}

static void a_mistake_in_a_registry_is_reported_once(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    parse(&f, "registries: {r: {plain_http: 5}}\n"
              "probes:\n"
              "- {name: a, operation: pull, image: r/x}\n"
              "- {name: b, operation: push, image: r/x}\n");
    assert_string_equal(f.problems.data,
                        "f:1:30: \"plain_http\": expected true or false, found \"5\"\n");
    assert_string_equal(f.err.message, "1 mistake in f");
}

static void many_mistakes_are_counted(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(100000);

    (void)state;
    buf_append_str(&text, "probes:\n");
    for (size_t i = 0; i < 900; i++)
        buf_append_str(&text, "- {operation: x}\n");
    parse(&f, text.data);
    assert_string_equal(f.err.message, "1800 mistakes in f");
    assert_non_null(strstr(f.problems.data, ": and 1700 more problems\n"));
}

static void a_message_is_one_line(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    parse(&f, "\"a\\nf:1:1: b\\e\": 1");
    assert_ptr_equal(strchr(f.problems.data, '\n'), f.problems.data + f.problems.size - 1);
    assert_null(strchr(f.problems.data, '\x1b'));
}

/* Names that are too long for a setting or a variable. */
static void long_names_are_unknown(void **state)
{
    (void)state;
    for (size_t size = 120; size < 140; size++) {
        CLEANUP(fixture_deinit) struct fixture f, g;
        char name[200] = "", text[300];

        memset(name, 'A', size);
        snprintf(text, sizeof(text), "containerd: {%s: x}", name);
        parse(&f, text);
        assert_non_null(strstr(f.problems.data, "f:1:14: unknown key \"A"));
        snprintf(text, sizeof(text), "containerd: {address: '${%s}'}", name);
        parse(&g, text);
        snprintf(text, sizeof(text),
                 size < 128 ? "variable \"%s\" is not set" : "invalid variable \"${%s}\"", name);
        assert_non_null(strstr(g.problems.data, text));
    }
}

static void an_expanded_value_has_a_limit(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;
    CLEANUP(freep) char *value = malloc(70000);

    (void)state;
    memset(value, 'x', 69999);
    value[69999] = '\0';
    setenv("CONFIG_HUGE", value, 1);
    parse(&f, "containerd: {address: '${CONFIG_HUGE}'}");
    assert_string_equal(f.problems.data,
                        "f:1:23: invalid value after variable expansion: more than 65536 bytes\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_has_its_place),
        cmocka_unit_test(all_mistakes_of_a_file_are_reported_at_once),
        cmocka_unit_test(a_mistake_in_a_registry_is_reported_once),
        cmocka_unit_test(many_mistakes_are_counted),
        cmocka_unit_test(a_message_is_one_line),
        cmocka_unit_test(long_names_are_unknown),
        cmocka_unit_test(an_expanded_value_has_a_limit),
    };

    return cmocka_run_group_tests(tests, set_environment, NULL);
}
