/* SPDX-License-Identifier: Apache-2.0 */
/* Valid files: jobs, values, fallbacks, fingerprints. */
#include "config/config_job.h"
#include "support/config_fixture.h"
#include "support/failures.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- values ---- */

static void no_file_means_defaults(void **state)
{
    static const char *const texts[] = {"",
                                        "# nothing\n",
                                        "---\n",
                                        "{}",
                                        "collectors:\nprobes:\nregistries:\ncontainerd:\n",
                                        "collectors: {images: , self: {}, docker: ~}\nprobes: []\n",
                                        "collectors:\n  images:\n    labels:\n      a: b\n"};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        CLEANUP(fixture_deinit) struct fixture f;
        const struct images *images;
        const struct globals *globals;

        parse_good(&f, texts[i]);
        assert_int_equal(f.config.n_jobs, 2); /* docker is opt_in */
        images = job(&f, "images")->state;
        assert_int_equal(images->series, 1);
        assert_int_equal(images->max_series, 500);
        assert_int_equal(images->namespaces.count, 2);
        assert_string_equal(images->namespaces.items[0], "k8s.io");
        assert_string_equal(images->namespaces.items[1], "default");
        assert_int_equal(images->ignored.count, 0);
        assert_int_equal(images->labels.count, 1);
        assert_string_equal(images->labels.names[0], "a");
        assert_string_equal(images->labels.values[0], "b");
        assert_int_equal(job(&f, "images")->interval_ns, 30 * NS_PER_SECOND);
        assert_int_equal(job(&f, "images")->timeout_ns, 10 * NS_PER_SECOND);
        assert_int_equal(job(&f, "self")->interval_ns, 0);
        assert_true(job(&f, "self")->timeout_ns > 0);
        assert_null(job(&f, "self")->state);
        globals = f.config.globals;
        assert_string_equal(globals->address, "/run/c.sock");
        assert_false(globals->verbose);
    }
}

static void written_values_are_stored(void **state)
{
    static const char text[] = "containerd: {address: /x.sock}\n"
                               "output: {verbose: true}\n"
                               "collectors:\n"
                               "  images:\n"
                               "    interval: 1m30s\n"
                               "    timeout: 250ms\n"
                               "    series: all\n"
                               "    max_series: 7\n"
                               "    namespaces: [a, 5, \"\"]\n"
                               "    ignored: []\n"
                               "    labels: {z: 1, y: 'two'}\n"
                               "  self: {enabled: false}\n"
                               "  docker: {enabled: true, address: /d.sock}\n";
    CLEANUP(fixture_deinit) struct fixture f;
    const struct images *images;

    (void)state;
    parse_good(&f, text);
    assert_int_equal(f.config.n_jobs, 2);
    assert_string_equal(((struct globals *)f.config.globals)->address, "/x.sock");
    assert_true(((struct globals *)f.config.globals)->verbose);
    assert_string_equal(((struct docker *)job(&f, "docker")->state)->address, "/d.sock");
    assert_int_equal(job(&f, "images")->interval_ns, 90 * NS_PER_SECOND);
    assert_int_equal(job(&f, "images")->timeout_ns, 250 * NS_PER_MS);
    images = job(&f, "images")->state;
    assert_int_equal(images->series, 2);
    assert_int_equal(images->max_series, 7);
    assert_int_equal(images->namespaces.count, 3);
    assert_string_equal(images->namespaces.items[1], "5");
    assert_string_equal(images->namespaces.items[2], "");
    assert_int_equal(images->labels.count, 2);
    assert_string_equal(images->labels.names[0], "z");
    assert_string_equal(images->labels.values[1], "two");
}

static void disabled_collectors_need_no_required_settings(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    parse_good(&f, "collectors: {docker: {enabled: false}, images: {enabled: false, series: all}}");
    assert_int_equal(f.config.n_jobs, 1);
}

static const char probes_text[] =
    "registries:\n"
    "  r.io: {plain_http: true, auth: {username: them, password: p}}\n"
    "  other.io: {max_bytes_per_hour: 1KiB}\n"
    "probes:\n"
    "  - {name: a, operation: pull, image: r.io/x}\n"
    "  - name: b.c-d_e\n"
    "    operation: pull\n"
    "    image: r.io/y\n"
    "    interval: 1s\n"
    "    timeout: 1ms\n"
    "    slow: 3s\n"
    "    cold: no\n"
    "    auth: {username: me}\n"
    "    expected: {size: 2k, digest: 'sha256:x'}\n"
    "    labels: {team: platform}\n"
    "  - {name: d, operation: push, image: none.io/x}\n";

static void probes_get_the_settings_of_their_registry(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;
    const struct probe *a, *d;

    (void)state;
    parse_good(&f, probes_text);
    a = job(&f, "a")->state;
    d = job(&f, "d")->state;
    assert_string_equal(job(&f, "a")->collector->name, "pull");
    assert_int_equal(job(&f, "a")->interval_ns, 300 * NS_PER_SECOND);
    assert_true(a->plain_http);
    assert_string_equal(a->username, "them");
    assert_string_equal(a->host, "r.io");
    assert_int_equal(a->max_bytes, 1 << 30);
    assert_int_equal(a->cold, 0);
    assert_false(d->plain_http);
    assert_string_equal(d->username, "");
    assert_int_equal(d->size, 1 << 20);
}

static void settings_of_a_probe_override_those_of_its_registry(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;
    const struct probe *b;

    (void)state;
    parse_good(&f, probes_text);
    b = job(&f, "b.c-d_e")->state;
    assert_int_equal(job(&f, "b.c-d_e")->interval_ns, NS_PER_SECOND);
    assert_true(b->plain_http);
    assert_string_equal(b->username, "me");
    assert_string_equal(b->password, "p");
    assert_int_equal(b->size, 2000);
    assert_string_equal(b->digest, "sha256:x");
    assert_int_equal(b->cold, 2);
    assert_int_equal(b->slow_ns, 3 * NS_PER_SECOND);
    assert_string_equal(b->labels.values[0], "platform");
}

static void a_probe_runs_by_interval_or_schedule(void **state)
{
    static const char text[] =
        "probes:\n"
        "- {name: default, operation: pull, image: r/x}\n"
        "- {name: every, operation: pull, image: r/x, schedule: \"@every 1h30m\"}\n"
        "- {name: cron, operation: pull, image: r/x, schedule: \"*/10 3 * * *\"}\n"
        "- {name: daily, operation: push, image: r/x, schedule: '@daily', retry_interval: 0s}\n"
        "- {name: soon, operation: push, image: r/x, retry_interval: 5s}\n";
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    parse_good(&f, text);
    assert_null(job(&f, "default")->cron);
    assert_int_equal(job(&f, "default")->interval_ns, 300 * NS_PER_SECOND);
    assert_int_equal(job(&f, "default")->retry_ns, 60 * NS_PER_SECOND);
    assert_null(job(&f, "every")->cron);
    assert_int_equal(job(&f, "every")->interval_ns, 5400 * NS_PER_SECOND);
    assert_int_equal(job(&f, "cron")->cron->hours, 1 << 3);
    assert_int_equal(job(&f, "cron")->interval_ns, 600 * NS_PER_SECOND);
    assert_int_equal(job(&f, "cron")->retry_ns, 60 * NS_PER_SECOND);
    assert_int_equal(job(&f, "daily")->interval_ns, 86400 * NS_PER_SECOND);
    assert_int_equal(job(&f, "daily")->retry_ns, 0);
    assert_int_equal(job(&f, "soon")->interval_ns, 600 * NS_PER_SECOND);
    assert_int_equal(job(&f, "soon")->retry_ns, 5 * NS_PER_SECOND);
    assert_int_equal(job(&f, "images")->retry_ns, 0);
}

/* The entry "*" does not apply to hosts with an entry of their own. */
static void hosts_without_an_entry_use_the_one_for_all_others(void **state)
{
    static const char text[] = "registries:\n"
                               "  own.io: {max_concurrent: 3}\n"
                               "  '*': {plain_http: true, max_concurrent: 1}\n"
                               "probes:\n"
                               "- {name: own, operation: pull, image: own.io/x}\n"
                               "- {name: a, operation: pull, image: a.io/x}\n"
                               "- {name: b, operation: push, image: b.io/x}\n";
    CLEANUP(fixture_deinit) struct fixture f, other, none;

    (void)state;
    parse_good(&f, text);
    assert_false(((const struct probe *)job(&f, "own")->state)->plain_http);
    assert_true(((const struct probe *)job(&f, "a")->state)->plain_http);
    assert_int_equal(job(&f, "own")->max_concurrent, 3);
    assert_int_equal(job(&f, "a")->max_concurrent, 1);
    assert_string_equal(job(&f, "own")->resource, "own.io");
    assert_string_equal(job(&f, "a")->resource, "a.io");
    assert_string_equal(job(&f, "b")->resource, "b.io");
    assert_null(job(&f, "images")->resource);
    parse_good(&other, "registries:\n"
                       "  own.io: {max_concurrent: 3}\n"
                       "  '*': {plain_http: true, max_concurrent: 2}\n"
                       "probes:\n"
                       "- {name: own, operation: pull, image: own.io/x}\n"
                       "- {name: a, operation: pull, image: a.io/x}\n");
    assert_string_equal(job(&f, "own")->fingerprint, job(&other, "own")->fingerprint);
    assert_string_not_equal(job(&f, "a")->fingerprint, job(&other, "a")->fingerprint);
    parse_good(&none, PROBE "}");
    assert_int_equal(job(&none, "a")->max_concurrent, 0);
}

static void variables_are_expanded_in_values(void **state)
{
    static const struct {
        const char *text, *want;
    } table[] = {
        {"${CONFIG_TEST}", "value"},
        {"a-${CONFIG_TEST}-${CONFIG_TEST}", "a-value-value"},
        {"$${CONFIG_TEST}", "${CONFIG_TEST}"},
        {"$$${CONFIG_TEST}", "$${CONFIG_TEST}"},
        {"$CONFIG_TEST", "$CONFIG_TEST"},
        {"a$", "a$"},
        {"$$", "$$"},
        {"${CONFIG_TRAP}", "${CONFIG_TEST}"}, /* its value is not expanded again */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        CLEANUP(fixture_deinit) struct fixture f;
        char text[200];

        snprintf(text, sizeof(text), "containerd: {address: '%s'}", table[i].text);
        parse_good(&f, text);
        assert_string_equal(((struct globals *)f.config.globals)->address, table[i].want);
    }
}

static void variables_are_expanded_for_every_type(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;
    const struct images *images;

    (void)state;
    parse_good(&f, "collectors:\n"
                   "  images:\n"
                   "    enabled: ${CONFIG_TRUE}\n"
                   "    interval: ${CONFIG_NUMBER}s\n"
                   "    max_series: \"${CONFIG_NUMBER}\"\n"
                   "    namespaces: [\"${CONFIG_TEST}\"]\n"
                   "    labels: {\"${CONFIG_TEST}\": \"${CONFIG_TEST}\"}\n"
                   "probes:\n"
                   "- {name: \"${CONFIG_TEST}\", operation: pull, image: a/b}\n");
    images = job(&f, "images")->state;
    assert_int_equal(images->max_series, 17);
    assert_string_equal(images->namespaces.items[0], "value");
    assert_string_equal(images->labels.names[0], "${CONFIG_TEST}"); /* keys are not expanded */
    assert_string_equal(images->labels.values[0], "value");
    assert_int_equal(job(&f, "images")->interval_ns, 17 * NS_PER_SECOND);
    assert_non_null(job(&f, "value"));
}

/* ---- flags ---- */

static void flags_override_the_file(void **state)
{
    static const enum config_switch switches[][3] = {
        {CONFIG_DEFAULT, CONFIG_DEFAULT, CONFIG_DEFAULT},
        {CONFIG_OFF, CONFIG_ON, CONFIG_OFF},
        {CONFIG_ON, CONFIG_OFF, CONFIG_ON},
    };
    static const struct {
        const char *text;
        size_t switches; /* 0: no flags */
        bool off, images, docker, self;
    } rows[] = {
        {"", 0, false, true, false, true},
        {"", 0, true, false, false, false},
        {"", 1, true, false, false, false},
        {"", 3, true, true, false, true},
        {"collectors: {self: {enabled: true}}", 0, true, false, false, true},
        {"collectors: {self: {enabled: false}}", 1, false, true, false, false},
        {"collectors: {docker: {address: x}, images: {enabled: true}}", 2, false, false, true,
         false},
        {"collectors: {docker: {address: x}, images: {enabled: false}}", 3, false, true, false,
         true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(buf_deinit) struct buf problems = BUF_INIT(10000);
        CLEANUP(config_deinit) struct config config = {0};
        struct config_schema flags = test_schema;
        bool found[3] = {false};
        struct error err;

        flags.collectors_off = rows[i].off;
        flags.collectors = rows[i].switches > 0 ? switches[rows[i].switches - 1] : NULL;
        assert_true(config_parse(&config, &flags, "f", rows[i].text, strlen(rows[i].text),
                                 &problems, &err));
        for (size_t j = 0; j < config.n_jobs; j++)
            for (size_t k = 0; k < 3; k++)
                found[k] |= config.jobs[j].collector == test_schema.catalog[k];
        assert_int_equal(found[0], rows[i].images);
        assert_int_equal(found[1], rows[i].docker);
        assert_int_equal(found[2], rows[i].self);
    }
}

/* ---- limits ---- */

static void durations_and_names_may_reach_their_limits(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;
    const char *name = "a2345678901234567890123456789012345678901234567890";

    (void)state;
    assert_int_equal(strlen(name), 50);
    parse_good(&f, "probes:\n"
                   "- {name: a2345678901234567890123456789012345678901234567890, operation: pull,\n"
                   "   image: r/x, interval: 366d, timeout: 366d, retry_interval: 366d}\n"
                   "- {name: b, operation: pull, image: r/x, interval: 1s, retry_interval: 1s}\n"
                   "- {name: c, operation: pull, image: r/x, schedule: '@every 366d'}\n"
                   "- {name: d, operation: pull, image: r/x, schedule: '@every 1s'}\n");
    assert_int_equal(job(&f, name)->timeout_ns, 366 * 86400 * NS_PER_SECOND);
    assert_int_equal(job(&f, "b")->retry_ns, NS_PER_SECOND);
    assert_int_equal(job(&f, "c")->interval_ns, 366 * 86400 * NS_PER_SECOND);
    assert_string_equal(job(&f, "c")->schedule, "@every 366d");
    assert_string_equal(job(&f, "b")->schedule, "");
}

/* ---- fingerprints ---- */

#define BASE_FILE                                                                          \
    "containerd: {address: /x.sock}\n"                                                     \
    "collectors: {images: {series: all}}\n"                                                \
    "registries: {r: {plain_http: true}, s: {plain_http: true}}\n"                         \
    "probes: [{name: a, operation: pull, image: r/x}, {name: b, operation: pull, image: '" \
    "s/${CONFIG_TEST}'}]\n"

static const struct {
    const char *text;
    bool same_images, same_a, same_b;
} changes[] = {
    {BASE_FILE, true, true, true},
    {"# a comment\n" BASE_FILE "\n\n# another\n", true, true, true},
    {"containerd:\n  address: '/x.sock'\n"
     "collectors:\n  images:\n    series:   \"all\" # all\n"
     "registries:\n  s: {plain_http: true}\n  r:\n    plain_http: true\n"
     "probes:\n- {name: b, operation: pull, image: s/value}\n"
     "- name: a\n  operation: pull\n  image: r/x\n",
     true, true, true},
    {"containerd: {address: /x.sock}\ncollectors: {images: {series: none}}\n"
     "registries: {r: {plain_http: true}, s: {plain_http: true}}\n"
     "probes: [{name: a, operation: pull, image: r/y}, {name: b, operation: pull, image: s/value}]",
     false, false, true},
    {"containerd: {address: /x.sock}\ncollectors: {images: {series: all}}\n"
     "registries: {r: {plain_http: false}, s: {plain_http: true}}\n"
     "probes: [{name: a, operation: pull, image: r/x}, {name: b, operation: pull, image: s/value}]",
     true, false, true},
    {"containerd: {address: /x.sock}\ncollectors: {images: {series: all}}\n"
     "registries: {s: {plain_http: true}}\n"
     "probes: [{name: a, operation: pull, image: r/x}, {name: b, operation: pull, image: s/value}]",
     true, false, true},
    {"containerd: {address: /y.sock}\ncollectors: {images: {series: all}}\n"
     "registries: {r: {plain_http: true}, s: {plain_http: true}}\n"
     "probes: [{name: a, operation: pull, image: r/x}, {name: b, operation: pull, image: s/value}]",
     false, false, false},
    {"containerd: {address: /x.sock}\ncollectors: {images: {series: all}}\n"
     "registries: {r: {plain_http: true}, s: {plain_http: true}}\n"
     "probes: [{name: a, operation: push, image: r/x}, {name: b, operation: pull, image: s/value, "
     "interval: 1s}]",
     true, false, false},
};

static void fingerprints_follow_the_meaning(void **state)
{
    CLEANUP(fixture_deinit) struct fixture base;

    (void)state;
    parse_good(&base, BASE_FILE);
    assert_int_equal(strlen(job(&base, "a")->fingerprint), 32);
    assert_string_not_equal(job(&base, "a")->fingerprint, job(&base, "b")->fingerprint);
    for (size_t i = 0; i < COUNT(changes); i++) {
        CLEANUP(fixture_deinit) struct fixture f;
        const char *const names[] = {"images", "a", "b"};
        const bool same[] = {changes[i].same_images, changes[i].same_a, changes[i].same_b};

        parse_good(&f, changes[i].text);
        for (size_t j = 0; j < COUNT(names); j++)
            if ((strcmp(job(&f, names[j])->fingerprint, job(&base, names[j])->fingerprint) == 0) !=
                same[j])
                fail_msg("row %zu, job %s", i, names[j]);
    }
}

static void fingerprints_follow_the_environment(void **state)
{
    CLEANUP(fixture_deinit) struct fixture before, after;

    (void)state;
    parse_good(&before, BASE_FILE);
    setenv("CONFIG_TEST", "changed", 1);
    parse_good(&after, BASE_FILE);
    setenv("CONFIG_TEST", "value", 1);
    assert_string_equal(job(&before, "a")->fingerprint, job(&after, "a")->fingerprint);
    assert_string_not_equal(job(&before, "b")->fingerprint, job(&after, "b")->fingerprint);
}

static void fingerprints_follow_the_structure(void **state)
{
    CLEANUP(fixture_deinit) struct fixture one, two;

    (void)state;
    parse_good(&one, "collectors: {images: {namespaces: [a, b], ignored: [c]}}");
    parse_good(&two, "collectors: {images: {namespaces: [a], ignored: [b, c]}}");
    assert_string_not_equal(job(&one, "images")->fingerprint, job(&two, "images")->fingerprint);
}

/* ---- ownership and files ---- */

static void jobs_can_be_taken(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;
    struct config_job taken;

    (void)state;
    parse_good(&f, "containerd: {address: /x}\n" PROBE "}");
    taken = *job(&f, "a");
    f.config.jobs[f.config.n_jobs - 1].arena = NULL;
    config_deinit(&f.config);
    assert_string_equal(taken.name, "a");
    assert_string_equal(((struct probe *)taken.state)->image, "r/x");
    config_job_release(&taken);
    assert_null(taken.state);
}

static void loads_files(void **state)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(10000);
    char path[] = "/tmp/test_config.XXXXXX";
    int fd = mkstemp(path);
    struct config config;
    struct error err;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "output: {verbose: true}\n", 24), 24);
    assert_true(config_load(&config, &test_schema, path, &problems, &err));
    assert_true(((struct globals *)config.globals)->verbose);
    config_deinit(&config);
    assert_int_equal(write(fd, "oops: 1\n", 8), 8);
    assert_false(config_load(&config, &test_schema, path, &problems, &err));
    assert_ptr_equal(strstr(problems.data, path), problems.data);
    assert_non_null(strstr(problems.data, ":2:1: unknown key \"oops\""));
    assert_int_equal(ftruncate(fd, (1 << 20) + 1), 0);
    buf_clear(&problems);
    assert_false(config_load(&config, &test_schema, path, &problems, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_int_equal(problems.size, 0);
    close(fd);
    unlink(path);
}

static void an_unreadable_file_is_an_error(void **state)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(10000);
    struct config config;
    struct error err;

    (void)state;
    assert_false(config_load(&config, &test_schema, "/nonexistent/x.yml", &problems, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_string_equal(err.message, "/nonexistent/x.yml: No such file or directory");
    assert_int_equal(problems.size, 0); /* *err is reported */
}

static void no_path_means_defaults(void **state)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(10000);
    struct config config;
    struct error err;

    (void)state;
    assert_true(config_load(&config, &test_schema, NULL, &problems, &err));
    assert_int_equal(config.n_jobs, 2);
    config_deinit(&config);
}

/* Every part of the file is read with too little memory. */
static void reports_when_memory_runs_out(void **state)
{
    static const char text[] =
        "output: {verbose: true}\n"
        "collectors: {images: {labels: {a: '${CONFIG_TEST}'}, namespaces: [a]}}\n"
        "registries: {r: {plain_http: true}}\n"
        "probes: [{name: a, operation: pull, image: r/x, schedule: '@daily'}]\n";
    bool ok = false;

    (void)state;
    for (size_t n = 0; !ok; n++) {
        CLEANUP(buf_deinit) struct buf problems = BUF_INIT(10000);
        struct config config;
        struct error err = {0};

        assert_true(n < 10000);
        fail_allocations_after(n);
        ok = config_parse(&config, &test_schema, "f", text, strlen(text), &problems, &err);
        fail_nothing();
        if (ok)
            config_deinit(&config);
        else
            assert_int_equal(err.code, ERROR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_file_means_defaults),
        cmocka_unit_test(written_values_are_stored),
        cmocka_unit_test(disabled_collectors_need_no_required_settings),
        cmocka_unit_test(probes_get_the_settings_of_their_registry),
        cmocka_unit_test(settings_of_a_probe_override_those_of_its_registry),
        cmocka_unit_test(a_probe_runs_by_interval_or_schedule),
        cmocka_unit_test(hosts_without_an_entry_use_the_one_for_all_others),
        cmocka_unit_test(variables_are_expanded_in_values),
        cmocka_unit_test(variables_are_expanded_for_every_type),
        cmocka_unit_test(flags_override_the_file),
        cmocka_unit_test(durations_and_names_may_reach_their_limits),
        cmocka_unit_test(fingerprints_follow_the_meaning),
        cmocka_unit_test(fingerprints_follow_the_environment),
        cmocka_unit_test(fingerprints_follow_the_structure),
        cmocka_unit_test(jobs_can_be_taken),
        cmocka_unit_test(loads_files),
        cmocka_unit_test(an_unreadable_file_is_an_error),
        cmocka_unit_test(no_path_means_defaults),
        cmocka_unit_test(reports_when_memory_runs_out),
    };

    return cmocka_run_group_tests(tests, set_environment, NULL);
}
